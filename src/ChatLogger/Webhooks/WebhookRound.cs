namespace ChatLogger.Webhooks;

/// <summary>What several attempts at a time say of the receiver.</summary>
internal sealed class WebhookRound(WebhookTarget webhook, IReadOnlyList<byte[]> keys, DateTimeOffset began)
{
    private readonly Lock _lock = new();

    public WebhookTarget Webhook => webhook;

    /// <summary>The keys to sign with, the newest first.</summary>
    public IReadOnlyList<byte[]> Keys => keys;

    /// <summary>A time before the first attempt.</summary>
    public DateTimeOffset Began => began;

    public int Succeeded { get; private set; }

    public int Failed { get; private set; }

    /// <summary>Whether the receiver wants no deliveries any more.</summary>
    public bool IsGone { get; private set; }

    public string LastError { get; private set; } = "";

    /// <summary>The longest time that the receiver has asked to wait.</summary>
    public TimeSpan? RetryAfter { get; private set; }

    public void Add(DeliveryResult result)
    {
        lock (_lock)
        {
            if (result.Error is not { } error)
            {
                Succeeded++;
                return;
            }
            Failed++;
            IsGone |= result.IsGone;
            LastError = result.Status is { } status ? $"{error} {status}" : error;
            if (result.RetryAfter is { } wait && !(RetryAfter >= wait))
                RetryAfter = wait;
        }
    }
}
