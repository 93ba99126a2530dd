namespace ChatLogger.Http;

/// <summary>A type of error response: the slug that the body has as <c>type</c>, its status and its title.</summary>
internal sealed record ProblemType(string Slug, int Status, string Title)
{
    public static readonly ProblemType Validation = new("validation", 400, "The request is not valid");
    public static readonly ProblemType BadRequest = new("bad-request", 400, "The request cannot be read");
    public static readonly ProblemType Unauthenticated = new("unauthenticated", 401, "No valid credential");
    public static readonly ProblemType Forbidden = new("forbidden", 403, "Not allowed");
    public static readonly ProblemType NotFound = new("not-found", 404, "Not found");
    public static readonly ProblemType MethodNotAllowed = new("method-not-allowed", 405, "Method not allowed");
    public static readonly ProblemType RequestTimeout = new("request-timeout", 408, "The request took too long");
    public static readonly ProblemType NoOrganization = new("no-organization", 409, "No organization of your own");
    public static readonly ProblemType EmailTaken = new("email-taken", 409, "E-mail address taken");
    public static readonly ProblemType SlugTaken = new("slug-taken", 409, "Slug taken");
    public static readonly ProblemType LastAdmin = new("last-admin", 409, "The last admin");
    public static readonly ProblemType LiveKeyQuota = new("live-key-quota", 409, "Too many live keys");
    public static readonly ProblemType KeyNotLive = new("key-not-live", 409, "The key is not live");
    public static readonly ProblemType WebhookQuota = new("webhook-quota", 409, "Too many webhooks");
    public static readonly ProblemType WebhookPaused = new("webhook-paused", 409, "The webhook is paused");
    public static readonly ProblemType ExportQueueFull = new("export-queue-full", 409, "Too many exports are waiting");
    public static readonly ProblemType ExportTooLarge = new("export-too-large", 409, "The export is too large to be answered at once");
    public static readonly ProblemType ExportFailed = new("export-failed", 409, "The export failed");
    public static readonly ProblemType IdempotencyKeyInUse = new(
        "idempotency-key-in-use",
        409,
        "A request with this Idempotency-Key is still running");
    public static readonly ProblemType Gone = new("gone", 410, "The file is gone");
    public static readonly ProblemType ExportOutdated = new("export-outdated", 410, "The file holds a chat that has been deleted since");
    public static readonly ProblemType BodyTooLarge = new("body-too-large", 413, "The body is too large");
    public static readonly ProblemType UnsupportedMediaType = new("unsupported-media-type", 415, "Unsupported media type");
    public static readonly ProblemType RangeNotSatisfiable = new("range-not-satisfiable", 416, "The range is outside the file");
    public static readonly ProblemType IdempotencyKeyReused = new(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key belongs to another request");
    public static readonly ProblemType Throttled = new("throttled", 429, "Too many requests");
    public static readonly ProblemType Internal = new("internal", 500, "Internal error");
    public static readonly ProblemType Unavailable = new("unavailable", 503, "Temporarily unavailable");

    /// <summary>The closed list of types, as the OpenAPI document shows it.</summary>
    public static readonly IReadOnlyList<ProblemType> All =
    [
        Validation,
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        NoOrganization,
        EmailTaken,
        SlugTaken,
        LastAdmin,
        LiveKeyQuota,
        KeyNotLive,
        WebhookQuota,
        WebhookPaused,
        ExportQueueFull,
        ExportTooLarge,
        ExportFailed,
        IdempotencyKeyInUse,
        Gone,
        ExportOutdated,
        BodyTooLarge,
        UnsupportedMediaType,
        RangeNotSatisfiable,
        IdempotencyKeyReused,
        Throttled,
        Internal,
        Unavailable,
    ];
}
