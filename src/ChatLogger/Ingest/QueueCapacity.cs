using ChatLogger.Http;

namespace ChatLogger.Ingest;

/// <summary>
/// Bounds how many rows and bytes are queued for writing in this process. Only this type counts them. It counts what is held in memory,
/// including abandoned writes that are still queued.
/// </summary>
internal sealed class QueueCapacity(int maxRows, long maxBytes)
{
    private int _rows;
    private long _bytes;

    public int Rows => Volatile.Read(ref _rows);

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether no further write would be admitted right now.</summary>
    public bool IsFull => Rows >= maxRows || Bytes >= maxBytes;

    /// <summary>Reserves capacity for a write, which <see cref="Release(IWrite)"/> must release.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public void Reserve(IWrite write) => Reserve(1, write.Bytes);

    /// <summary>Reserves capacity for several writes; each is released by itself.</summary>
    /// <exception cref="ProblemException">The capacity does not suffice for all of them; then nothing is reserved.</exception>
    public void Reserve(IReadOnlyCollection<IWrite> writes) => Reserve(writes.Count, writes.Sum(write => (long)write.Bytes));

    public void Release(IWrite write) => Release(1, write.Bytes);

    private void Reserve(int rows, long bytes)
    {
        if (Interlocked.Add(ref _rows, rows) > maxRows | Interlocked.Add(ref _bytes, bytes) > maxBytes)
        {
            Release(rows, bytes);
            throw Full();
        }
    }

    private void Release(int rows, long bytes)
    {
        Interlocked.Add(ref _rows, -rows);
        Interlocked.Add(ref _bytes, -bytes);
    }

    public static ProblemException Full() =>
        ProblemException.Unavailable("More is being written than can be taken. Try again shortly.", TimeSpan.FromSeconds(1));
}
