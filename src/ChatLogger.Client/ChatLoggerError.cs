namespace ChatLogger.Client;

/// <summary>What could not be delivered, and why.</summary>
/// <param name="Message">A sentence.</param>
/// <param name="Status">The HTTP status of the response, or of the item in it; null: there was no response.</param>
/// <param name="Item">The JSON of the message or rating that was dropped; null: nothing was dropped.</param>
/// <param name="WillRetry">Whether it will be sent again.</param>
/// <param name="Exception">The exception of a request without response.</param>
public sealed record ChatLoggerError(string Message, int? Status, string? Item, bool WillRetry, Exception? Exception = null);

/// <summary>What became of the messages and ratings.</summary>
/// <param name="Queued">They wait, or are being sent.</param>
/// <param name="Acknowledged">The service has acknowledged them.</param>
/// <param name="Dropped">They were dropped; <see cref="ChatLoggerClientOptions.OnError"/> was told of each.</param>
/// <param name="EmbeddedFiles">Files that were embedded in messages, in place of which their type, size and SHA-256 were sent.</param>
public readonly record struct ChatLoggerCounts(long Queued, long Acknowledged, long Dropped, long EmbeddedFiles);
