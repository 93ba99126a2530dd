namespace ChatLogger.Import;

/// <summary>Prevents an import from beginning: the message is a sentence for the caller.</summary>
internal sealed class ImportException(string message) : Exception(message);
