using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>How much may wait to be written in this process. What is counted is what is held in memory, whether or not somebody still waits for it.</summary>
internal sealed class Room(int mostRows, long mostBytes)
{
    private int _rows;
    private long _bytes;

    public int Rows => Volatile.Read(ref _rows);

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether nothing more can be let in right now.</summary>
    public bool IsFull => Rows >= mostRows || Bytes >= mostBytes;

    /// <exception cref="Problem">There is no room for all of it; then none of it is in.</exception>
    public void Enter(int rows, long bytes)
    {
        if (Interlocked.Add(ref _rows, rows) > mostRows | Interlocked.Add(ref _bytes, bytes) > mostBytes)
        {
            Leave(rows, bytes);
            throw Full();
        }
    }

    public void Leave(int rows, long bytes)
    {
        Interlocked.Add(ref _rows, -rows);
        Interlocked.Add(ref _bytes, -bytes);
    }

    public static Problem Full() => Problem.Unavailable("More is being written than can be taken. Try again shortly.", TimeSpan.FromSeconds(1));
}
