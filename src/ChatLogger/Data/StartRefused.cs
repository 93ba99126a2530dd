namespace ChatLogger.Data;

/// <summary>The start is refused for a reason the operator can mend; the message is for them, and is printed without a stack.</summary>
internal sealed class StartRefused(string message) : Exception(message);
