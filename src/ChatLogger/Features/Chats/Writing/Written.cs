using ChatLogger.Http;
using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>A chat or message that is durable: written now, or before, by the same request under its Idempotency-Key.</summary>
internal sealed record Written<T>(T Value, bool Replayed)
{
    /// <summary>The 201, with the header that tells a replay.</summary>
    public CreatedJson<T> At(string path, HttpContext context)
    {
        if (Replayed)
        {
            context.Response.Headers[IdempotencyKey.ReplayedHeader] = "true";
            context.RequestServices.GetRequiredService<Instruments>().Replayed(typeof(T) == typeof(Chat) ? "chat" : "message");
        }
        return new(path, Value);
    }
}
