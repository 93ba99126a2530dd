namespace ChatLogger.Configuration;

/// <summary>The start fails for a reason that the operator can fix; the message is for them and is printed without a stack trace.</summary>
internal sealed class StartupException(string message) : Exception(message);
