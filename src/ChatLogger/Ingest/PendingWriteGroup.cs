namespace ChatLogger.Ingest;

/// <summary>The result of a write: its status, or the error because of which it has none.</summary>
internal readonly record struct WriteOutcome(WriteStatus Status, Exception? Error);

/// <summary>
/// The writes of one request. The request awaits one task for the group instead of one for each of up to thousands of writes. Each write
/// has its own outcome, and the group completes with the last of them.
/// </summary>
internal sealed class PendingWriteGroup(int size)
{
    /// <summary>
    /// How much longer a request waits after its time-out for writes that are in flight. The time-out and this grace together stay below
    /// the five seconds that a response may take.
    /// </summary>
    public static readonly TimeSpan CompletionGrace = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _allCompleted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WriteOutcome[] _outcomes = new WriteOutcome[size];
    private readonly IPendingWrite[] _writes = new IPendingWrite[size];
    private int _remaining = size;

    /// <summary>A write of the group, which the group abandons when its request stops waiting.</summary>
    internal interface IPendingWrite
    {
        /// <summary>
        /// Abandons the write if it is queued. False: it is in flight and may complete within <see cref="CompletionGrace"/>.
        /// </summary>
        bool TryAbandon();

        /// <summary>Stops waiting for a write in flight: it is unknown whether it will be written.</summary>
        void Abandon();
    }

    /// <summary>Adds a write. All writes must be added before <see cref="WaitAsync"/> is called.</summary>
    public void Add(int place, IPendingWrite groupedWrite) => _writes[place] = groupedWrite;

    public void Complete(int place, WriteOutcome outcome)
    {
        _outcomes[place] = outcome;
        if (Interlocked.Decrement(ref _remaining) == 0)
            _allCompleted.SetResult();
    }

    /// <summary>
    /// Waits for all outcomes, in the order of their places. Never throws: when <paramref name="ct"/> is cancelled, queued writes are
    /// abandoned at once and writes in flight after <see cref="CompletionGrace"/>.
    /// </summary>
    public async Task<WriteOutcome[]> WaitAsync(CancellationToken ct)
    {
        using var timeout = ct.UnsafeRegister(
            static state =>
            {
                var inFlight = Array.FindAll(((PendingWriteGroup)state!)._writes, groupedWrite => !groupedWrite.TryAbandon());
                if (inFlight.Length > 0)
                    _ = Task.Delay(CompletionGrace)
                        .ContinueWith(_ => Array.ForEach(inFlight, groupedWrite => groupedWrite.Abandon()), TaskScheduler.Default);
            },
            this);
        await _allCompleted.Task;
        return _outcomes;
    }
}
