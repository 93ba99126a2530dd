namespace ChatLogger.Http;

/// <summary>
/// How many bytes of large bodies this process holds at once, so that many callers who send much, or slowly, do not take all of its memory. What has
/// arrived is counted, not what is announced.
/// </summary>
internal sealed class BodyMemoryBudget(long maxBytes)
{
    /// <summary>Up to here a body is not counted: nearly all are that small, and the connection's own buffers are of that size.</summary>
    public const int CreateReservation = 64 * 1024;

    private long _held;

    /// <summary>One request's part; given back when the request is over.</summary>
    public sealed class Reservation(BodyMemoryBudget capacity) : IDisposable
    {
        private long _bytes;

        /// <summary>Takes as much more as makes it so many bytes. False: there is no room, and nothing is taken.</summary>
        public bool TryGrow(long bytes)
        {
            var more = bytes - _bytes;
            if (more <= 0)
                return true;
            if (Interlocked.Add(ref capacity._held, more) > capacity.MaxBytes)
            {
                Interlocked.Add(ref capacity._held, -more);
                return false;
            }
            _bytes = bytes;
            return true;
        }

        public void Dispose()
        {
            Interlocked.Add(ref capacity._held, -_bytes);
            _bytes = 0;
        }
    }

    /// <summary>How much all hold.</summary>
    public long Held => Interlocked.Read(ref _held);

    private long MaxBytes => maxBytes;
}
