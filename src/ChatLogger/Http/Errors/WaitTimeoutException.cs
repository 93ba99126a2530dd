namespace ChatLogger.Http;

/// <summary>
/// A wait for something other than the database took too long. The message is for the caller, and says what was waited for: whoever is told that the
/// database cannot answer looks for the fault there.
/// </summary>
internal sealed class WaitTimeoutException(string message) : OperationCanceledException(message);
