using ChatLogger.Http;
using ChatLogger.Telemetry;

namespace ChatLogger.Ingest;

/// <summary>A chat or message that is committed: just now, or earlier by the same request with the same Idempotency-Key.</summary>
internal sealed record WriteResult<T>(T Value, bool Replayed)
{
    /// <summary>Whether it was there before, by another request; then this one has written nothing.</summary>
    public bool Existed { get; init; }

    /// <summary>The 201 response. A replay carries <see cref="IdempotencyKey.ReplayedHeader"/> and is counted.</summary>
    /// <param name="path">The path for the Location header.</param>
    /// <param name="kind">Chat or message: the tag of the metric of replays.</param>
    /// <param name="context">The request.</param>
    public CreatedJson<T> ToCreated(string path, string kind, HttpContext context)
    {
        if (Replayed)
        {
            context.Response.Headers[IdempotencyKey.ReplayedHeader] = "true";
            context.RequestServices.GetRequiredService<Instruments>().Replayed(kind);
        }
        return new(path, Value);
    }
}
