using ChatLogger.Http;
using ChatLogger.Telemetry;

namespace ChatLogger.Ingest;

/// <summary>A chat or message that is durable: written now, or before, by the same request under its Idempotency-Key.</summary>
internal sealed record WriteResult<T>(T Value, bool Replayed)
{
    /// <summary>The 201, with the header that tells a replay.</summary>
    /// <param name="path">Where it is found.</param>
    /// <param name="kind">What it is, for the metric of replays: chat or message.</param>
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
