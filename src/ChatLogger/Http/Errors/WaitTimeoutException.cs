namespace ChatLogger.Http;

/// <summary>
/// A wait for something other than the database timed out. The message is for the caller and names what the request waited for, so that
/// nobody looks for the fault in the database.
/// </summary>
internal sealed class WaitTimeoutException(string message) : OperationCanceledException(message);
