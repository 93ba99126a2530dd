using System.Diagnostics;
using System.Net.Sockets;
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
}
