namespace ChatLogger.Data;

/// <summary>
/// Generates the id and the time of a new row in the process: a UUIDv7 (RFC 9562, 5.7), and the instant in whole milliseconds, which is the
/// precision of ids, responses and cursors.
/// </summary>
internal sealed class IdGenerator(TimeProvider time)
{
    public (Guid Id, DateTimeOffset Now) Next()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        return (Guid.CreateVersion7(now), now);
    }
}
