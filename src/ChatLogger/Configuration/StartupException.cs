namespace ChatLogger.Configuration;

/// <summary>The start is refused for a reason the operator can mend; the message is for them, and is printed without a stack.</summary>
internal sealed class StartupException(string message) : Exception(message);
