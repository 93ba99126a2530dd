using ChatLogger.Http;

namespace ChatLogger.Ingest;

/// <summary>How much may wait to be written in this process. What is counted is what is held in memory, whether or not somebody still waits for it.</summary>
internal sealed class QueueCapacity(int maxRows, long maxBytes)
{
    private int _rows;
    private long _bytes;

    public int Rows => Volatile.Read(ref _rows);

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether nothing more can be let in right now.</summary>
    public bool IsFull => Rows >= maxRows || Bytes >= maxBytes;

    /// <exception cref="ProblemException">There is no room for all of it; then none of it is in.</exception>
    public void Reserve(int rows, long bytes)
    {
        if (Interlocked.Add(ref _rows, rows) > maxRows | Interlocked.Add(ref _bytes, bytes) > maxBytes)
        {
            Release(rows, bytes);
            throw Full();
        }
    }

    public void Release(int rows, long bytes)
    {
        Interlocked.Add(ref _rows, -rows);
        Interlocked.Add(ref _bytes, -bytes);
    }

    public static ProblemException Full() => ProblemException.Unavailable("More is being written than can be taken. Try again shortly.", TimeSpan.FromSeconds(1));
}
