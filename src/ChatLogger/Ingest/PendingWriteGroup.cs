namespace ChatLogger.Ingest;

/// <summary>What a write came to: its fate, or why it has none.</summary>
internal readonly record struct WriteOutcome(WriteStatus Status, Exception? Error);

/// <summary>
/// A request that waits for many writes at once: one thing to wait for instead of a thousand. Each write has an ending of its own, and the
/// party is over with the last of them.
/// </summary>
internal sealed class PendingWriteGroup(int size)
{
    /// <summary>For what is on its way when patience ends. Deadline and grace together stay below the five seconds that an answer may take.</summary>
    public static readonly TimeSpan CompletionGrace = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _allCompleted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WriteOutcome[] _outcomes = new WriteOutcome[size];
    private readonly IPendingWrite[] _writes = new IPendingWrite[size];
    private int _remaining = size;

    /// <summary>Somebody who is waited for, and who can be told that nobody waits any more.</summary>
    internal interface IPendingWrite
    {
        /// <summary>Drops what has not taken off. False: it is on its way, and its end is worth waiting for a moment longer.</summary>
        bool TryAbandon();

        void Abandon();
    }

    /// <summary>All have to be there before anybody waits.</summary>
    public void Add(int place, IPendingWrite groupedWrite) => _writes[place] = groupedWrite;

    public void Complete(int place, WriteOutcome outcome)
    {
        _outcomes[place] = outcome;
        if (Interlocked.Decrement(ref _remaining) == 0)
            _allCompleted.SetResult();
    }

    /// <summary>The endings, in the order of the places. Never fails: with the token, who has not taken off ends, and the others soon.</summary>
    public async Task<WriteOutcome[]> WaitAsync(CancellationToken ct)
    {
        using var timeout = ct.UnsafeRegister(
            static state =>
            {
                var inFlight = Array.FindAll(((PendingWriteGroup)state!)._writes, groupedWrite => !groupedWrite.TryAbandon());
                if (inFlight.Length > 0)
                    _ = Task.Delay(CompletionGrace).ContinueWith(_ => Array.ForEach(inFlight, groupedWrite => groupedWrite.Abandon()), TaskScheduler.Default);
            },
            this);
        await _allCompleted.Task;
        return _outcomes;
    }
}
