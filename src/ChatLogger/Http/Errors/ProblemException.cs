using FluentValidation.Results;

namespace ChatLogger.Http;

/// <summary>
/// An error response, thrown where the error is detected: <c>throw ProblemException.NotFound("No such chat in this organization.")</c>. The
/// set of types is closed; <see cref="ProblemWriter"/> alone writes them as RFC 9457 <c>application/problem+json</c>. The detail is for the
/// caller: a sentence without input, SQL, paths or type names.
/// </summary>
internal sealed class ProblemException : Exception
{
    private ProblemException(ProblemType type, string detail)
        : base(detail) => Type = type;

    public ProblemType Type { get; }

    /// <summary>The validation errors: camelCase member path to sentences. Only for <see cref="ProblemType.Validation"/>.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; private init; }

    /// <summary>Whether what is not found was there, and does not come back.</summary>
    public bool IsDeleted { get; private init; }

    /// <summary>When a retry makes sense; sent as whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    public static ProblemException Validation(string path, string sentence) =>
        Validation(new Dictionary<string, string[]> { [path] = [sentence] });

    public static ProblemException Validation(IEnumerable<ValidationFailure> failures) => Validation(
        failures.GroupBy(failure => failure.PropertyName.Length == 0 ? BodyPath : failure.PropertyName)
            .ToDictionary(path => path.Key, path => path.Select(failure => failure.ErrorMessage).Distinct().ToArray()));

    /// <summary>The path of errors that concern the body as a whole.</summary>
    public const string BodyPath = "body";

    /// <summary>The path of errors that concern the query string as a whole.</summary>
    public const string QueryPath = "query";

    public static ProblemException BadRequest(string detail) => new(ProblemType.BadRequest, detail);

    public static ProblemException Malformed() => BadRequest("The request is malformed.");

    public static ProblemException Unauthenticated(string detail) => new(ProblemType.Unauthenticated, detail);

    public static ProblemException Forbidden(string detail) => new(ProblemType.Forbidden, detail);

    public static ProblemException NotFound(string detail) => new(ProblemType.NotFound, detail);

    /// <summary>A 404 for what was there, is deleted and does not come back.</summary>
    public static ProblemException Deleted(string detail) => new(ProblemType.NotFound, detail) { IsDeleted = true };

    public static ProblemException NoOrganization() => new(
        ProblemType.NoOrganization,
        "A superadmin belongs to no organization: write an organization's slug instead of \"me\".");

    public static ProblemException EmailTaken() => new(ProblemType.EmailTaken, "Another member already has this e-mail address.");

    public static ProblemException SlugTaken() => new(ProblemType.SlugTaken, "Another organization has, or had, this slug.");

    public static ProblemException LastAdmin() => new(
        ProblemType.LastAdmin,
        "This is the organization's last active admin. Let another member be one first.");

    public static ProblemException LiveKeyQuota(int quota) => new(
        ProblemType.LiveKeyQuota,
        $"An organization has at most {quota} live keys. Revoke one first.");

    public static ProblemException OverlapQuota(int quota) =>
        new(
            ProblemType.LiveKeyQuota,
            $"An organization has at most {quota} live keys, those in their overlap included. "
                + "Revoke one first, or rotate with overlapHours 0."
        );

    public static ProblemException KeyNotLive(string detail) => new(ProblemType.KeyNotLive, detail);

    public static ProblemException WebhookQuota(int quota) => new(
        ProblemType.WebhookQuota,
        $"An organization has at most {quota} webhooks. Delete one first.");

    public static ProblemException WebhookPaused() => new(
        ProblemType.WebhookPaused,
        "This webhook is paused. Resume it first: set its state to active.");

    public static ProblemException ExportQueueFull(int queued) => new(
        ProblemType.ExportQueueFull,
        $"An organization has at most {queued} exports waiting. Let one finish, or cancel one.");

    public static ProblemException BodyTooLarge(long limit) => new(ProblemType.BodyTooLarge, $"The body may have at most {limit} bytes.");

    public static ProblemException ExportTooLarge(int messages, int bytes) => new(
        ProblemType.ExportTooLarge,
        $"An export that is answered at once has at most {messages} messages and {bytes} bytes. Ask for it with mode async.");

    public static ProblemException ExportFailed(string reason) => new(ProblemType.ExportFailed, reason);

    public static ProblemException IdempotencyKeyInUse() => new(
        ProblemType.IdempotencyKeyInUse,
        "The same request is being worked on. Ask again for what becomes of it.")
    { RetryAfter = TimeSpan.FromSeconds(1) };

    public static ProblemException IdempotencyKeyReused() => new(
        ProblemType.IdempotencyKeyReused,
        "This Idempotency-Key came with another body before. Take a new one for a new request.");

    public static ProblemException Gone(string detail) => new(ProblemType.Gone, detail);

    public static ProblemException ExportOutdated() => new(
        ProblemType.ExportOutdated,
        "A chat that this file holds has been deleted since it was made. Ask for a new export.");

    public static ProblemException RangeNotSatisfiable(long length) =>
        new(ProblemType.RangeNotSatisfiable, $"The file has {length} bytes.");

    public static ProblemException UnsupportedMediaType(string detail) => new(ProblemType.UnsupportedMediaType, detail);

    public static ProblemException Throttled(string detail, TimeSpan retryAfter) =>
        new(ProblemType.Throttled, detail) { RetryAfter = retryAfter };

    public static ProblemException Unavailable(string detail, TimeSpan retryAfter) =>
        new(ProblemType.Unavailable, detail) { RetryAfter = retryAfter };

    public static ProblemException Stopping() => Unavailable("The service is stopping. Try again shortly.", TimeSpan.FromSeconds(5));

    public static ProblemException RequestTimeout() => new(ProblemType.RequestTimeout, "The request took too long to arrive.");

    public static ProblemException MethodNotAllowed() =>
        new(ProblemType.MethodNotAllowed, "This path does not know the method; see Allow.");

    public static ProblemException Internal() => new(
        ProblemType.Internal,
        "Something went wrong on our side, and nothing of the request was kept. The trace id helps to find the cause.");

    private static ProblemException Validation(IReadOnlyDictionary<string, string[]> errors) => new(
        ProblemType.Validation,
        "The request is not valid; errors says what and where.")
    { Errors = errors };
}
