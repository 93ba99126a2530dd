namespace ChatLogger.Http;

/// <summary>
/// Limits the bytes of large bodies that this process buffers at once, so that many callers with large or slow bodies cannot exhaust its
/// memory. It counts bytes that have arrived, not the declared length.
/// </summary>
internal sealed class BodyMemoryBudget(long maxBytes)
{
    /// <summary>
    /// Bodies up to this size are not counted: nearly all are that small, and the connection's own buffers have that size.
    /// </summary>
    public const int CreateReservation = 64 * 1024;

    private long _held;

    /// <summary>The reservation of one request, released at its end.</summary>
    public sealed class Reservation(BodyMemoryBudget capacity) : IDisposable
    {
        private long _bytes;

        /// <summary>
        /// Grows the reservation to so many bytes. Returns false, and reserves nothing, when the budget does not suffice.
        /// </summary>
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

    /// <summary>The total of all reservations.</summary>
    public long Held => Interlocked.Read(ref _held);

    private long MaxBytes => maxBytes;
}
