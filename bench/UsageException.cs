namespace ChatLogger.Bench;

/// <summary>Prevents a command from running: the message is a sentence for the caller.</summary>
internal sealed class UsageException(string message) : Exception(message);
