namespace ChatLogger.Client;

/// <summary>The settings of a <see cref="ChatLoggerClient"/>.</summary>
public sealed class ChatLoggerClientOptions
{
    /// <summary>The address of the service, http or https, with the sub-path if it has one. Required.</summary>
    public Uri? Url { get; set; }

    /// <summary>The slug of the organization of the key. Required.</summary>
    public string? Slug { get; set; }

    /// <summary>An API key with the scope <c>ingest</c>. Required.</summary>
    public string? Key { get; set; }

    /// <summary>
    /// Told of what is dropped and of requests that fail, on a thread of the client. An exception in it is ignored. Null: failures are in
    /// the log only.
    /// </summary>
    public Action<ChatLoggerError>? OnError { get; set; }

    /// <summary>How many messages and ratings wait at most, 1 to 1,000,000; beyond it the oldest is dropped. 10,000 by default.</summary>
    public int MaxQueued { get; set; } = 10_000;

    /// <summary>How long a message waits for others to be sent with it, 0 to a minute. 2 seconds by default.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>After which a request without response is sent again, a second to 10 minutes. 30 seconds by default.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long <see cref="ChatLoggerClient.DisposeAsync"/> waits for what is queued, 0 to 10 minutes. 5 seconds by default.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Why these settings cannot be used, in a sentence; null: they can.</summary>
    internal string? Problem() =>
        Url is not { IsAbsoluteUri: true, Scheme: "http" or "https" } ? "Url must be an absolute http or https address."
        : string.IsNullOrEmpty(Slug) ? "Slug is required: the organization of the key."
        : string.IsNullOrEmpty(Key) ? "Key is required: an API key of the organization."
        : MaxQueued is < 1 or > 1_000_000 ? "MaxQueued must be 1 to 1,000,000."
        : FlushInterval < TimeSpan.Zero || FlushInterval > TimeSpan.FromMinutes(1) ? "FlushInterval must be 0 to a minute."
        : RequestTimeout < TimeSpan.FromSeconds(1) || RequestTimeout > TimeSpan.FromMinutes(10)
            ? "RequestTimeout must be a second to 10 minutes."
        : ShutdownTimeout < TimeSpan.Zero || ShutdownTimeout > TimeSpan.FromMinutes(10) ? "ShutdownTimeout must be 0 to 10 minutes."
        : null;
}
