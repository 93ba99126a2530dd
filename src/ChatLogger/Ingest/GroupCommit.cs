using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes what many requests bring in one statement and one commit. There is one writer and no linger: a flush takes whatever gathered while the
/// commit before it ran, so that a lone request waits for nobody and a crowd shares the cost. Everybody is answered after the commit that
/// their own row was in, and nobody's mistake, lock or hanging up is anybody else's.
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

    // Places that somebody else has locked, and who waits there, in their order. Guarded by itself.
    private readonly Dictionary<LockKey, ParkedWrites> _parked = [];
    private readonly Dictionary<Guid, (int Rows, long Bytes)> _parkedByOrganization = [];
    private readonly QueueCapacity _capacity;

    /// <param name="flush">The statement.</param>
    /// <param name="db">Where it runs.</param>
    /// <param name="settings">How much at a time.</param>
    /// <param name="instruments">Where it is measured.</param>
    /// <param name="log">For rows that nobody should have let through.</param>
    /// <param name="capacity">Where others wait too; null: a room of its own.</param>
    /// <param name="name">What it is known by where it is measured.</param>
    public GroupCommit(IBulkInsert<T> flush, NpgsqlDataSource db, IngestSettings settings, Instruments instruments, ILogger log, QueueCapacity? capacity = null, string name = "messages")
    {
        _name = name;
        _capacity = capacity ?? new QueueCapacity(settings.QueueRows, settings.QueueBytes);
        _insert = flush;
        _db = db;
        _settings = settings;
        _instruments = instruments;
        _log = log;
        _concurrentLockWaits = new SemaphoreSlim(settings.ConcurrentLockWaits);
        // Whose request it is that happens to come first is not where all the others' commits belong.
        using (ExecutionContext.SuppressFlow())
            _writer = Task.Run(Write);
    }

    /// <summary>Where those are counted who wait.</summary>
    public QueueCapacity Capacity => _capacity;

    /// <summary>
    /// Queues a write and waits for its commit. When <paramref name="ct"/> is cancelled, a write that still waits is dropped and will not be
    /// written; one that is on its way to the database goes on with its neighbours, and its answer is waited for a moment longer.
    /// </summary>
    /// <exception cref="ProblemException">Too much is waiting already, or the database will not have this row.</exception>
    /// <exception cref="NpgsqlException">The database cannot be had, or went away: then nobody knows whether the row is written.</exception>
    public async Task<WriteStatus> Write(T write, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _capacity.Reserve(1, write.Bytes);
        var alone = new SingleWrite(write);
        if (!_queue.Writer.TryWrite(alone))
            Fail(alone, ProblemException.Stopping());
        using var timeout = ct.UnsafeRegister(static alone => ((SingleWrite)alone!).AbandonAfterGrace(), alone);
        return await alone.Task;
    }

    /// <summary>Queues a write of a party, for which there is room already. Writes at the same place keep the order of the calls.</summary>
    public void Write(T write, PendingWriteGroup group, int place)
    {
        var groupedWrite = new GroupedWrite(write, group, place);
        group.Add(place, groupedWrite);
        if (!_queue.Writer.TryWrite(groupedWrite))
            Fail(groupedWrite, ProblemException.Stopping());
    }

    /// <summary>Writes what is still queued. Called when the last request has been answered, so that is nothing but what nobody waits for.</summary>
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

    /// <summary>Answers all who can be; returns those whose place is locked, null when there are none.</summary>
    private async Task<List<QueuedWrite>?> Flush(List<QueuedWrite> batch, bool wait)
    {
        batch.RemoveAll(DropIfAbandoned);
        if (batch.Count == 0)
            return null;
        try
        {
            List<QueuedWrite>? locked = null;
            var statuses = await CommitTelemetry.Run(
                _instruments, _name, batch[0].Age, batch.Select(write => write.Request).OfType<Activity>(), () => _insert.Run(batch.ConvertAll(write => write.Item), wait));
            for (var i = 0; i < statuses.Length; i++)
            {
                if (statuses[i] == WriteStatus.Locked)
                    (locked ??= []).Add(batch[i]);
                else if (statuses[i] == WriteStatus.NotFound && batch[i] is { LostConnection: { } cut, Item.IdempotencyKey: null })
                    Fail(batch[i], cut); // What it belongs to was there for the first attempt, perhaps: nobody may say that nothing is written.
                else
                    Complete(batch[i], statuses[i]);
            }
            return Requeue(locked);
        }
        catch (PostgresException refused) when (IsLockTimeout(refused))
        {
            // A key that a twin on another instance has not committed yet. No place is to blame, so the others must get away from it.
            if (IsIdempotencyKeyLock(refused) && batch.Count > 1 && wait)
                return await Bisect(batch, wait);
            // Where the statement that holds the key may be our own, whose answer was cut off, there is no other request to speak of.
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
            // Nobody but our own statement whose answer was cut off can have written a row with this id.
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
            // Of connections that lay idle, more may be gone than the one we took. Whether the rows are written nobody knows; writing them again
            // finds out, for they have their ids. The old statement may still be running and hold its locks, so a row can be parked or bisected
            // before that is known: each row remembers that it was sent. A row is sent twice at most.
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

    // One after the other: what waits in both halves at one place keeps its order.
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

    // Nobody is writing them now: who gave up meanwhile is told so.
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

    // A place that was locked a moment ago is not tried again with the others; and whoever comes later must not overtake who waits.
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
        if (share.Rows >= Math.Max(1, _settings.QueueRows * _settings.MaxParkedShare) || share.Bytes >= _settings.QueueBytes * _settings.MaxParkedShare)
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
        // In turns: so many places wait at a time, each for as long as the pool waits for a lock.
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

    /// <summary>Null when nobody waits any more, and the place is like any other again.</summary>
    private List<QueuedWrite>? TakeParked(LockKey place, ParkedWrites locked)
    {
        lock (_parked)
        {
            // Answered meanwhile, or gone. They are counted as waiting until now.
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
            return [.. locked.Writes.Take(_settings.FlushRows).TakeWhile(write => (bytes += write.Item.Bytes) <= _settings.FlushBytes || bytes == write.Item.Bytes)];
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

    // What is counted is what is held in memory, whether or not somebody still waits for it.
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

    // The context of the error names the index that the twin's entry was met in.
    private static bool IsIdempotencyKeyLock(PostgresException refused) => refused.Where?.Contains("idempotency_keys", StringComparison.Ordinal) == true;

    // The connection, or the server on the other side; as opposed to a server that is too slow, which a second attempt only makes slower.
    private static bool IsConnectionLost(NpgsqlException failure) => failure is PostgresException refused
        ? refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        : failure.InnerException is IOException or SocketException or ObjectDisposedException;

    // 22: the data; 23: a constraint; 54: a limit of the program, such as the size of an index' entry.
    private static bool IsRowError(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(LogLevel.Error, "The database refuses a row that was found valid: {SqlState} {Constraint}")]
    private static partial void RefusedRow(ILogger log, string sqlState, string constraint);

    /// <summary>A write and who waits for it. It waits, flies to the database, may come back unwritten, and in the end is answered or gone.</summary>
    private abstract class QueuedWrite(T item)
    {
        private const int Queued = 0, InFlight = 1, Abandoned = 2;

        private readonly long _since = Stopwatch.GetTimestamp();
        private int _state;
        private int _answered;
        private volatile bool _abandoned;

        public T Item => item;

        /// <summary>The span of the request, while somebody traces.</summary>
        public Activity? Request { get; } = Tracing.Source.HasListeners() ? Activity.Current : null;

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        public bool HasReleasedCapacity { get; set; }

        /// <summary>
        /// How the connection was lost after this row was sent; whether the row was written then is not known. Null: it was not sent before.
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

        /// <summary>The first answer counts.</summary>
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
                _ = System.Threading.Tasks.Task.Delay(PendingWriteGroup.CompletionGrace).ContinueWith(_ => Abandon(), TaskScheduler.Default);
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
