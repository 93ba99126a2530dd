namespace ChatLogger.Import;

/// <summary>Prevents an import from beginning: the message is a sentence for whoever called it.</summary>
internal sealed class ImportException(string message) : Exception(message);
