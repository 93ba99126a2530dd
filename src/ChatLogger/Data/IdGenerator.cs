namespace ChatLogger.Data;

/// <summary>
/// Makes the id and the time of a new row in the process: UUIDv7 (RFC 9562, 5.7), and the instant in whole milliseconds, which is what ids,
/// answers and cursors carry.
/// </summary>
internal sealed class IdGenerator(TimeProvider time)
{
    public (Guid Id, DateTimeOffset Now) Next()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        return (Guid.CreateVersion7(now), now);
    }
}
