namespace ChatLogger.Webhooks;

/// <summary>A webhook as it may be shown after it was made: everything but its secret.</summary>
internal sealed record Webhook(
    Guid Id,
    string Url,
    string[] Events,
    bool WithContent,
    int IdleMinutes,
    string? Description,
    string State,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FailingSince)
{
    public const string Columns =
        "id, url, events, with_content, idle_minutes, nullif(description, '') as description, state, created_at, failing_since";

    public const int DefaultIdleMinutes = 30;
    public const int MaxIdleMinutes = 1_440;
}

/// <summary>A webhook as it is delivered to.</summary>
internal sealed record WebhookTarget(
    Guid OrgId,
    Guid Id,
    string Url,
    string[] Events,
    bool WithContent,
    int IdleMinutes,
    byte[] Secret,
    byte[]? PreviousSecret,
    DateTimeOffset? PreviousUntil,
    DateTimeOffset? FailingSince)
{
    public bool Wants(string name) => Events.Contains(name);
}

/// <summary>A delivery as members see it.</summary>
internal sealed record Delivery(
    Guid Id,
    Guid WebhookId,
    string Event,
    Guid? ChatId,
    string Status,
    int Attempts,
    int? ResponseStatus,
    string? Error,
    DateTimeOffset At,
    DateTimeOffset? LastAttemptAt,
    DateTimeOffset? NextAttemptAt)
{
    public const string Columns =
        """
        id, webhook_id, event, chat_id, status, attempts, response_status, error, created_at as at, last_attempt_at, next_attempt_at
        """;
}

/// <summary>A delivery that is to be sent.</summary>
internal sealed record PendingDelivery(
    Guid Id,
    string Event,
    Guid? ChatId,
    Guid SubjectId,
    DateTimeOffset HappenedAt,
    bool Replayed,
    int Attempts,
    DateTimeOffset? FirstAttemptAt,
    DateTimeOffset NextAttemptAt)
{
    /// <summary>Deliveries of one line are sent in their order, each after the one before has succeeded.</summary>
    public Guid Line => Replayed ? Id : ChatId ?? Id;
}

/// <summary>
/// The exclusive right to deliver to a webhook. It expires unless it is renewed. The fence is its fencing token: a later lease has a higher
/// one.
/// </summary>
internal sealed record WebhookLease(Guid OrgId, Guid WebhookId, long Fence, int Failures, DateTimeOffset? RetryAt);

/// <summary>The lease is another instance's, or the webhook is being deleted; nothing of this transaction is stored.</summary>
internal sealed class WebhookLeaseLost() : Exception("Another instance delivers to this webhook.");

/// <summary>Reads what a delivery says, when it is sent.</summary>
internal interface IWebhookPayloads
{
    /// <summary>The body; null: what it is about is deleted.</summary>
    Task<byte[]?> Read(WebhookTarget webhook, PendingDelivery delivery, CancellationToken ct);
}

/// <summary>A kind of background job whose end is told.</summary>
internal interface IFinishedJobs
{
    /// <summary>The event that tells it.</summary>
    string Event { get; }

    /// <summary>The jobs of an organization that have finished after a time, by the clock of the database.</summary>
    Task<IReadOnlyList<FinishedJob>> FinishedSince(Guid orgId, DateTimeOffset since, CancellationToken ct);

    /// <summary>What is told of a job, as the member <c>data</c> of the payload; null: it is gone.</summary>
    Task<object?> Read(Guid orgId, Guid id, CancellationToken ct);
}

internal sealed record FinishedJob(Guid Id, DateTimeOffset FinishedAt);
