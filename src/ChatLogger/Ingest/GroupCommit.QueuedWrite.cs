using System.Diagnostics;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

// The states of a write in the queue, and who is told its outcome.
internal sealed partial class GroupCommit
{
    /// <summary>
    /// A write and its waiting request: one row, or several of one organization that are written in one transaction. It is queued, goes in
    /// flight, may be requeued unwritten, and finally is completed or abandoned.
    /// </summary>
    private abstract class QueuedWrite(IReadOnlyList<IWrite> rows, IBulkInsert insert, QueueCapacity capacity)
    {
        private const int Queued = 0, InFlight = 1, Abandoned = 2;

        private readonly long _since = Stopwatch.GetTimestamp();
        private int _state;
        private int _answered;
        private volatile bool _abandoned;
        private bool _hasReleasedCapacity;

        public IReadOnlyList<IWrite> Rows => rows;

        public Guid OrgId => rows[0].OrgId;

        public long Bytes { get; } = rows.Sum(row => (long)row.Bytes);

        public IBulkInsert Insert => insert;

        /// <summary>The span of the request; null while tracing is off.</summary>
        public Activity? Request { get; } = Tracing.Source.HasListeners() ? Activity.Current : null;

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        /// <summary>
        /// The error with which the connection was lost after this row was sent; it is then unknown whether the row was written. Null: no
        /// connection was lost after this row was sent.
        /// </summary>
        public NpgsqlException? LostConnection { get; set; }

        public bool IsAnswered => Volatile.Read(ref _answered) != 0;

        /// <summary>Puts the write in flight. True: it was abandoned in the queue, and must be removed.</summary>
        public bool DropIfAbandoned()
        {
            if (Interlocked.CompareExchange(ref _state, InFlight, Queued) == Queued)
                return false;
            ReleaseCapacity();
            return true;
        }

        /// <summary>True: nobody waits for the write any more, and it must be removed from the queue.</summary>
        public bool DropIfAnswered()
        {
            if (!IsAnswered)
                return false;
            ReleaseCapacity();
            return true;
        }

        public void Requeue()
        {
            Interlocked.Exchange(ref _state, Queued);
            if (_abandoned)
                TryAbandon();
        }

        public bool TryAbandon()
        {
            _abandoned = true;
            if (Interlocked.CompareExchange(ref _state, Abandoned, Queued) == InFlight)
                return false;
            TryComplete([], new WaitTimeoutException("The queue of what is to be written did not move in time. Try again shortly."));
            return true;
        }

        public void Abandon() =>
            TryComplete([], new WaitTimeoutException("The database did not confirm in time that this is written. Try again shortly."));

        /// <summary>Sets the status of each row.</summary>
        public void Complete(ReadOnlySpan<WriteStatus> statuses)
        {
            ReleaseCapacity();
            TryComplete(statuses, null);
        }

        public void Fail(Exception why)
        {
            ReleaseCapacity();
            TryComplete([], why);
        }

        /// <summary>Sets the result unless it is already set: a write can be completed and abandoned at the same time.</summary>
        private void TryComplete(ReadOnlySpan<WriteStatus> statuses, Exception? why)
        {
            if (Interlocked.Exchange(ref _answered, 1) == 0)
                SetResult(statuses, why);
        }

        // Capacity counts what is held in memory. An abandoned write therefore keeps its capacity until it is removed from the queue.
        private void ReleaseCapacity()
        {
            if (!_hasReleasedCapacity)
            {
                _hasReleasedCapacity = true;
                foreach (var row in rows)
                    capacity.Release(row);
            }
        }

        /// <param name="statuses">The status of each row; empty where there is an error.</param>
        /// <param name="why">The error; null: none.</param>
        protected abstract void SetResult(ReadOnlySpan<WriteStatus> statuses, Exception? why);
    }

    private sealed class SingleWrite(IWrite row, IBulkInsert insert, QueueCapacity capacity) : QueuedWrite([row], insert, capacity)
    {
        private readonly TaskCompletionSource<WriteStatus> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<WriteStatus> Task => _completion.Task;

        public void AbandonAfterGrace()
        {
            if (!TryAbandon())
                _ = System
                    .Threading.Tasks.Task.Delay(PendingWriteGroup.CompletionGrace)
                    .ContinueWith(_ => Abandon(), TaskScheduler.Default);
        }

        protected override void SetResult(ReadOnlySpan<WriteStatus> statuses, Exception? why)
        {
            if (why is null)
                _completion.SetResult(statuses[0]);
            else
                _completion.SetException(why);
        }
    }

    private sealed class GroupedWrite(
        IReadOnlyList<IWrite> rows, IBulkInsert insert, QueueCapacity capacity, PendingWriteGroup group, int place)
        : QueuedWrite(rows, insert, capacity), PendingWriteGroup.IPendingWrite
    {
        protected override void SetResult(ReadOnlySpan<WriteStatus> statuses, Exception? why)
        {
            for (var i = 0; i < Rows.Count; i++)
                group.Complete(place + i, new WriteOutcome(why is null ? statuses[i] : default, why));
        }
    }
}
