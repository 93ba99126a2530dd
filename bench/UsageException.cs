namespace ChatLogger.Bench;

/// <summary>What keeps a verb from running: the message is a sentence for whoever called it.</summary>
internal sealed class UsageException(string message) : Exception(message);
