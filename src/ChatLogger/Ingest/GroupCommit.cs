using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Group commit: writes the rows of many requests in one statement and one transaction. There is one writer and no linger time: each flush
/// takes whatever was queued while the commit before it ran, so a single request does not wait for others, and concurrent requests share
/// the cost of a commit. Each write completes after the commit that contains its own row. An invalid row, a locked row or a disconnected
/// client does not affect the other writes of the batch.
/// </summary>
internal sealed partial class GroupCommit<T> : IAsyncDisposable
    where T : IWrite
{
    private readonly string _name;
    private readonly IBulkInsert<T> _insert;
    private readonly NpgsqlDataSource _db;
    private readonly IngestSettings _settings;
    private readonly Instruments _instruments;
    private readonly ILogger _log;
    private readonly Channel<QueuedWrite> _queue = Channel.CreateUnbounded<QueuedWrite>(new() { SingleReader = true });
    private readonly SemaphoreSlim _concurrentLockWaits;
    private readonly Task _writer;

    // Writes parked behind a row that another transaction has locked, by lock key and in their order. This dictionary is also the monitor
    // that guards it and _parkedByOrganization.
    private readonly Dictionary<LockKey, ParkedWrites> _parked = [];
    private readonly Dictionary<Guid, (int Rows, long Bytes)> _parkedByOrganization = [];
    private readonly QueueCapacity _capacity;

    /// <param name="insert">The statement.</param>
    /// <param name="db">The pool that the statement runs on; cleared when a connection is lost.</param>
    /// <param name="settings">The limits of a flush and of the queue.</param>
    /// <param name="instruments">The metrics.</param>
    /// <param name="log">Reports rows that passed validation and that the database refuses nevertheless.</param>
    /// <param name="capacity">A queue capacity shared with other writers; null: this writer has its own.</param>
    /// <param name="name">The name of this writer in metrics and spans.</param>
    public GroupCommit(
        IBulkInsert<T> insert, NpgsqlDataSource db, IngestSettings settings, Instruments instruments, ILogger log,
        QueueCapacity? capacity = null, string name = "messages")
    {
        _name = name;
        _capacity = capacity ?? new QueueCapacity(settings.QueueRows, settings.QueueBytes);
        _insert = insert;
        _db = db;
        _settings = settings;
        _instruments = instruments;
        _log = log;
        _concurrentLockWaits = new SemaphoreSlim(settings.ConcurrentLockWaits);
        // Without this the writer would inherit the context of the first request, and all commits would be traced as part of that request.
        using (ExecutionContext.SuppressFlow())
            _writer = Task.Run(Write);
    }

    /// <summary>Counts the rows and bytes that are queued.</summary>
    public QueueCapacity Capacity => _capacity;

    /// <summary>
    /// Queues a write and waits for its commit. When <paramref name="ct"/> is cancelled, a write that is still queued is abandoned and will
    /// not be written. A write in flight continues with the rest of its batch, and the caller waits
    /// <see cref="PendingWriteGroup.CompletionGrace"/> longer for its result.
    /// </summary>
    /// <exception cref="ProblemException">The queue is full, or the database refuses this row.</exception>
    /// <exception cref="NpgsqlException">
    /// The database is unavailable, or the connection was lost, in which case it is unknown whether the row is written.
    /// </exception>
    public async Task<WriteStatus> Write(T write, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _capacity.Reserve(1, write.Bytes);
        var single = new SingleWrite(write);
        if (!_queue.Writer.TryWrite(single))
            Fail(single, ProblemException.Stopping());
        using var timeout = ct.UnsafeRegister(static state => ((SingleWrite)state!).AbandonAfterGrace(), single);
        return await single.Task;
    }

    /// <summary>
    /// Queues one write of a group. The caller has already reserved its queue capacity. Writes with the same <see cref="IWrite.LockKey"/>
    /// keep the order of the calls.
    /// </summary>
    public void Write(T write, PendingWriteGroup group, int place)
    {
        var groupedWrite = new GroupedWrite(write, group, place);
        group.Add(place, groupedWrite);
        if (!_queue.Writer.TryWrite(groupedWrite))
            Fail(groupedWrite, ProblemException.Stopping());
    }

    /// <summary>
    /// Writes what is still queued. Called after the last response, so what remains are writes that no request waits for.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer;
        while (true)
        {
            Task[] waiting;
            lock (_parked)
                waiting = [.. _parked.Values.Select(locked => locked.Task)];
            if (waiting.Length == 0)
                break;
            await Task.WhenAll(waiting);
        }
        _concurrentLockWaits.Dispose();
    }

    private async Task Write()
    {
        var batch = new List<QueuedWrite>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            Gather(batch);
            if (await Flush(batch, wait: false) is { } locked)
                Park(locked);
        }
    }

    private void Gather(List<QueuedWrite> batch)
    {
        batch.Clear();
        var bytes = 0L;
        while (batch.Count < _settings.FlushRows && bytes < _settings.FlushBytes && _queue.Reader.TryRead(out var write))
        {
            if (!DropIfAnswered(write) && !TryPark(write))
            {
                batch.Add(write);
                bytes += write.Item.Bytes;
            }
        }
    }

    /// <summary>
    /// Writes a batch and completes every write that has a result. Returns the writes whose rows are locked; null when there are none.
    /// </summary>
    private async Task<List<QueuedWrite>?> Flush(List<QueuedWrite> batch, bool wait)
    {
        batch.RemoveAll(DropIfAbandoned);
        if (batch.Count == 0)
            return null;
        try
        {
            List<QueuedWrite>? locked = null;
            var statuses = await CommitTelemetry.Run(
                _instruments,
                _name,
                batch[0].Age,
                batch.Select(write => write.Request).OfType<Activity>(),
                () => _insert.Run(batch.ConvertAll(write => write.Item), wait));
            for (var i = 0; i < statuses.Length; i++)
            {
                if (statuses[i] == WriteStatus.Locked)
                    (locked ??= []).Add(batch[i]);
                else if (statuses[i] == WriteStatus.NotFound && batch[i] is { LostConnection: { } cut, Item.IdempotencyKey: null })
                    Fail(batch[i], cut); // Its parent may have existed at the first attempt, so we cannot claim that nothing is written.
                else
                    Complete(batch[i], statuses[i]);
            }
            return Requeue(locked);
        }
        catch (PostgresException refused) when (IsLockTimeout(refused))
        {
            // Another instance holds the same Idempotency-Key in a transaction that has not committed yet. The error does not tell which
            // row of the batch waits for it, so bisecting the batch separates that row from the others.
            if (IsIdempotencyKeyLock(refused) && batch.Count > 1 && wait)
                return await Bisect(batch, wait);
            // If the connection was lost after this row was sent, our own first statement may hold the key. Then we cannot report that
            // another request uses it.
            if (IsIdempotencyKeyLock(refused) && wait && batch[0].LostConnection is null && batch[0].Age > _settings.KeyLockTimeout)
            {
                Fail(batch[0], ProblemException.IdempotencyKeyInUse());
                return null;
            }
            return Requeue(batch);
        }
        catch (PostgresException refused) when (IsRowError(refused))
        {
            if (batch.Count > 1)
                return await Bisect(batch, wait);
            // Ids are unique to a write: only our own first statement, whose result was lost with the connection, can have written this id.
            if (batch[0].LostConnection is not null && refused.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                Complete(batch[0], WriteStatus.Written);
                return null;
            }
            RefusedRow(_log, refused.SqlState, refused.ConstraintName ?? "(no constraint)");
            Fail(batch[0], ProblemException.Validation(ProblemException.BodyPath, "The database cannot keep this."));
            return null;
        }
        catch (NpgsqlException cut) when (IsConnectionLost(cut) && batch.Exists(write => write.LostConnection is null))
        {
            // Other idle connections of the pool may be broken too, so we clear it. It is unknown whether the rows are written. Writing
            // them again with the same ids finds out: a unique violation then means that the first attempt succeeded. The first statement
            // may still be running and hold its locks, so a row can be parked or bisected before its status is known; therefore each row
            // remembers in LostConnection that it was sent. A row is sent twice at most.
            _db.Clear();
            foreach (var write in batch.Where(write => write.LostConnection is not null))
                Fail(write, cut);
            batch = batch.FindAll(write => write.LostConnection is null);
            batch.ForEach(write => write.LostConnection = cut);
            return await Flush(Requeue(batch)!, wait);
        }
        catch (Exception failure)
        {
            _db.Clear();
            foreach (var write in batch)
                Fail(write, failure);
            return null;
        }
    }

    // The halves run one after the other, so that writes with the same lock key keep their order across the halves.
    private async Task<List<QueuedWrite>?> Bisect(List<QueuedWrite> batch, bool wait)
    {
        Requeue(batch);
        List<QueuedWrite>? locked = null;
        foreach (var half in new[] { batch[..(batch.Count / 2)], batch[(batch.Count / 2)..] })
        {
            if (await Flush(half, wait) is { } still)
                (locked ??= []).AddRange(still);
        }
        return locked;
    }

    // The writes are no longer in flight. A write whose caller timed out meanwhile is abandoned at this point.
    private static List<QueuedWrite>? Requeue(List<QueuedWrite>? batch)
    {
        batch?.ForEach(write => write.Requeue());
        return batch;
    }

    private void Park(List<QueuedWrite> locked)
    {
        lock (_parked)
        {
            foreach (var write in locked)
                ParkLocked(write);
        }
    }

    // A row that was locked a moment ago is not tried again in the common batch, and a later write must not overtake the writes that are
    // parked behind the same lock.
    private bool TryPark(QueuedWrite write)
    {
        lock (_parked)
        {
            if (_parked.Count == 0 || !_parked.ContainsKey(write.Item.LockKey))
                return false;
            ParkLocked(write);
            return true;
        }
    }

    private void ParkLocked(QueuedWrite write)
    {
        ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_parkedByOrganization, write.Item.LockKey.OrgId, out _);
        if (
            share.Rows >= Math.Max(1, _settings.QueueRows * _settings.MaxParkedShare)
            || share.Bytes >= _settings.QueueBytes * _settings.MaxParkedShare)
        {
            Fail(write, QueueCapacity.Full());
            return;
        }
        share = (share.Rows + 1, share.Bytes + write.Item.Bytes);
        if (_parked.TryGetValue(write.Item.LockKey, out var locked))
        {
            locked.Writes.Add(write);
            return;
        }
        _parked[write.Item.LockKey] = locked = new ParkedWrites();
        locked.Writes.Add(write);
        locked.Task = Task.Run(() => WriteParked(write.Item.LockKey, locked));
    }

    private async Task WriteParked(LockKey place, ParkedWrites locked)
    {
        // The semaphore bounds how many lock keys are waited for at a time, each on a connection of its own and for the lock timeout of the
        // pool. A lock key that times out releases the semaphore, so that the other ones proceed.
        for (var someoneWaits = true; someoneWaits;)
        {
            await _concurrentLockWaits.WaitAsync();
            try
            {
                var batch = TakeParked(place, locked);
                someoneWaits = batch is not null;
                if (batch is not null)
                    await Flush(batch, wait: true);
            }
            finally
            {
                _concurrentLockWaits.Release();
            }
        }
    }

    /// <summary>
    /// Takes the next batch behind a lock. Null: nothing is parked there any more, and the lock key is removed from the parked ones.
    /// </summary>
    private List<QueuedWrite>? TakeParked(LockKey place, ParkedWrites locked)
    {
        lock (_parked)
        {
            // These writes were completed or abandoned meanwhile. They count towards the share of their organization until they are removed
            // here.
            foreach (var write in locked.Writes)
            {
                if (!write.IsAnswered)
                    continue;
                ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_parkedByOrganization, place.OrgId, out _);
                share = (share.Rows - 1, share.Bytes - write.Item.Bytes);
                if (share.Rows == 0)
                    _parkedByOrganization.Remove(place.OrgId);
            }
            locked.Writes.RemoveAll(DropIfAnswered);
            if (locked.Writes.Count == 0)
            {
                _parked.Remove(place);
                return null;
            }
            var bytes = 0L;
            return
            [
                .. locked
                    .Writes.Take(_settings.FlushRows)
                    .TakeWhile(write => (bytes += write.Item.Bytes) <= _settings.FlushBytes || bytes == write.Item.Bytes),
            ];
        }
    }

    private bool DropIfAbandoned(QueuedWrite write)
    {
        if (write.TryStart())
            return false;
        ReleaseCapacity(write);
        return true;
    }

    private bool DropIfAnswered(QueuedWrite write)
    {
        if (!write.IsAnswered)
            return false;
        ReleaseCapacity(write);
        return true;
    }

    private void Complete(QueuedWrite write, WriteStatus status)
    {
        ReleaseCapacity(write);
        write.TryComplete(status, null);
    }

    private void Fail(QueuedWrite write, Exception why)
    {
        ReleaseCapacity(write);
        write.TryComplete(default, why);
    }

    // Capacity counts what is held in memory. An abandoned write therefore keeps its capacity until it is removed from the queue.
    private void ReleaseCapacity(QueuedWrite write)
    {
        if (!write.HasReleasedCapacity)
        {
            write.HasReleasedCapacity = true;
            _capacity.Release(1, write.Item.Bytes);
        }
    }

    private static bool IsLockTimeout(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    // When the statement waited for a key that another transaction is inserting, the context of the error names the index of the keys.
    private static bool IsIdempotencyKeyLock(PostgresException refused) =>
        refused.Where?.Contains("idempotency_keys", StringComparison.Ordinal) == true;

    // True when the connection broke or the server stopped. A time-out of a slow server is not included: a retry would only add to its
    // load.
    private static bool IsConnectionLost(NpgsqlException failure) => failure is PostgresException refused
        ? refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        : failure.InnerException is IOException or SocketException or ObjectDisposedException;

    // Classes of SQLSTATE: 22 is a data exception, 23 an integrity constraint violation, 54 an exceeded program limit such as the size of
    // an index entry.
    private static bool IsRowError(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(LogLevel.Error, "The database refuses a row that was found valid: {SqlState} {Constraint}")]
    private static partial void RefusedRow(ILogger log, string sqlState, string constraint);

    /// <summary>
    /// A write and its waiting request. It is queued, goes in flight, may be requeued unwritten, and finally is completed or abandoned.
    /// </summary>
    private abstract class QueuedWrite(T item)
    {
        private const int Queued = 0, InFlight = 1, Abandoned = 2;

        private readonly long _since = Stopwatch.GetTimestamp();
        private int _state;
        private int _answered;
        private volatile bool _abandoned;

        public T Item => item;

        /// <summary>The span of the request; null while tracing is off.</summary>
        public Activity? Request { get; } = Tracing.Source.HasListeners() ? Activity.Current : null;

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        public bool HasReleasedCapacity { get; set; }

        /// <summary>
        /// The error with which the connection was lost after this row was sent; it is then unknown whether the row was written. Null: no
        /// connection was lost after this row was sent.
        /// </summary>
        public NpgsqlException? LostConnection { get; set; }

        public bool IsAnswered => Volatile.Read(ref _answered) != 0;

        public bool TryStart() => Interlocked.CompareExchange(ref _state, InFlight, Queued) == Queued;

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
            TryComplete(default, new WaitTimeoutException("The queue of what is to be written did not move in time. Try again shortly."));
            return true;
        }

        public void Abandon() =>
            TryComplete(default, new WaitTimeoutException("The database did not confirm in time that this is written. Try again shortly."));

        /// <summary>Sets the result unless it is already set: a write can be completed and abandoned at the same time.</summary>
        public void TryComplete(WriteStatus status, Exception? why)
        {
            if (Interlocked.Exchange(ref _answered, 1) == 0)
                SetResult(status, why);
        }

        protected abstract void SetResult(WriteStatus status, Exception? why);
    }

    private sealed class SingleWrite(T item) : QueuedWrite(item)
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

        protected override void SetResult(WriteStatus status, Exception? why)
        {
            if (why is null)
                _completion.SetResult(status);
            else
                _completion.SetException(why);
        }
    }

    private sealed class GroupedWrite(T item, PendingWriteGroup group, int place) : QueuedWrite(item), PendingWriteGroup.IPendingWrite
    {
        protected override void SetResult(WriteStatus status, Exception? why) => group.Complete(place, new WriteOutcome(status, why));
    }

    private sealed class ParkedWrites
    {
        public List<QueuedWrite> Writes { get; } = [];

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
