namespace ChatLogger.Webhooks;

/// <summary>The events that a webhook may ask for, as <c>type</c> of the payload.</summary>
internal static class WebhookEvent
{
    public const string ChatCreated = "chat.created";
    public const string MessageCreated = "message.created";
    public const string FeedbackGiven = "feedback.given";

    /// <summary>A chat has had no message for some minutes.</summary>
    public const string ChatIdle = "chat.idle";

    public const string ExportFinished = "export.finished";
    public const string ErasureFinished = "erasure.finished";

    /// <summary>A member asks for it, to try a webhook. Nobody asks for it by <c>events</c>.</summary>
    public const string Test = "webhook.test";

    public static readonly IReadOnlyList<string> All =
        [ChatCreated, MessageCreated, FeedbackGiven, ChatIdle, ExportFinished, ErasureFinished];
}

/// <summary>The states of a webhook.</summary>
internal static class WebhookState
{
    public const string Active = "active";
    public const string Paused = "paused";
}

/// <summary>The statuses of a delivery; the last three are final, unless it is asked for again.</summary>
internal static class DeliveryStatus
{
    public const string Pending = "pending";
    public const string Delivered = "delivered";

    /// <summary>No attempt succeeded in the time that there is for them.</summary>
    public const string Failed = "failed";

    /// <summary>What it was about was deleted before it was sent.</summary>
    public const string Skipped = "skipped";

    public static readonly IReadOnlyList<string> All = [Pending, Delivered, Failed, Skipped];
}

/// <summary>Why an attempt failed.</summary>
internal static class DeliveryError
{
    /// <summary>The name stands for no address that may be called.</summary>
    public const string AddressRefused = "address-refused";

    /// <summary>The name is not known, or nobody answers.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>The certificate is not valid, or there is no TLS.</summary>
    public const string Tls = "tls";

    /// <summary>The answer was not complete in time.</summary>
    public const string Timeout = "timeout";

    /// <summary>The answer was not 2xx.</summary>
    public const string Status = "status";

    public static readonly IReadOnlyList<string> All = [AddressRefused, Unreachable, Tls, Timeout, Status];
}
