using System.Diagnostics;
using System.Threading.Channels;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Ingest;

/// <summary>
/// Group commit: writes the rows of many requests in one transaction. There is one writer and no linger time: each flush takes whatever was
/// queued while the commit before it ran, so a single request does not wait for others, and concurrent requests share the cost of a
/// commit. Each write completes after the commit that contains its own row. An invalid row, a locked log or a disconnected client does not
/// affect the other writes of the batch.
/// </summary>
internal sealed partial class GroupCommit : IAsyncDisposable
{
    private readonly IWriteTransaction _transaction;
    private readonly NpgsqlDataSource _db;
    private readonly IngestSettings _settings;
    private readonly Instruments _instruments;
    private readonly ILogger _log;
    private readonly string _name;
    private readonly Channel<QueuedWrite> _queue = Channel.CreateUnbounded<QueuedWrite>(new() { SingleReader = true });
    private readonly Task _writer;

    /// <param name="transaction">Writes the rows.</param>
    /// <param name="db">The pool that it runs on; cleared when a connection is lost.</param>
    /// <param name="settings">The limits of a flush.</param>
    /// <param name="instruments">The metrics.</param>
    /// <param name="log">Reports rows that passed validation and that the database refuses nevertheless.</param>
    /// <param name="name">The name of this writer in metrics and spans.</param>
    public GroupCommit(
        IWriteTransaction transaction, NpgsqlDataSource db, IngestSettings settings, Instruments instruments, ILogger log, string name)
    {
        (_transaction, _db, _settings, _instruments, _log, _name) = (transaction, db, settings, instruments, log, name);
        _concurrentLockWaits = new SemaphoreSlim(settings.ConcurrentLockWaits);
        // Without this the writer would inherit the context of the first request, and all commits would be traced as part of that request.
        using (ExecutionContext.SuppressFlow())
            _writer = Task.Run(Write);
    }

    /// <summary>
    /// Queues a write and waits for its commit. When <paramref name="ct"/> is cancelled, a write that is still queued is abandoned and will
    /// not be written. A write in flight continues with the rest of its batch, and the caller waits
    /// <see cref="PendingWriteGroup.CompletionGrace"/> longer for its result.
    /// </summary>
    /// <exception cref="ProblemException">The queue is full, or the database refuses this row.</exception>
    /// <exception cref="NpgsqlException">
    /// The database is unavailable, or the connection was lost, in which case it is unknown whether the row is written.
    /// </exception>
    public async Task<WriteStatus> Write(IWrite write, IBulkInsert insert, QueueCapacity capacity, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        capacity.Reserve(write);
        var single = new SingleWrite(write, insert, capacity);
        if (!_queue.Writer.TryWrite(single))
            single.Fail(ProblemException.Stopping());
        using var timeout = ct.UnsafeRegister(static state => ((SingleWrite)state!).AbandonAfterGrace(), single);
        return await single.Task;
    }

    /// <summary>
    /// Queues rows of a group, of one organization: all of them are written in one transaction, or none is. The caller has already reserved
    /// their queue capacity. Writes of an organization keep the order of the calls.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="insert">Inserts them.</param>
    /// <param name="capacity">The capacity that was reserved.</param>
    /// <param name="group">The group.</param>
    /// <param name="place">The place of the first of them in the group.</param>
    public void Write(IReadOnlyList<IWrite> rows, IBulkInsert insert, QueueCapacity capacity, PendingWriteGroup group, int place)
    {
        var grouped = new GroupedWrite(rows, insert, capacity, group, place);
        for (var i = 0; i < rows.Count; i++)
            group.Add(place + i, grouped);
        if (!_queue.Writer.TryWrite(grouped))
            grouped.Fail(ProblemException.Stopping());
    }

    /// <summary>
    /// Writes what is still queued. Called after the last response, so what remains are writes that no request waits for.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer;
        await DrainParked();
    }

    private async Task Write()
    {
        var batch = new List<QueuedWrite>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            Gather(batch);
            if (await FlushAll(batch) is { } locked)
                Park(locked);
        }
    }

    private void Gather(List<QueuedWrite> batch)
    {
        batch.Clear();
        var (rows, bytes) = (0, 0L);
        while (rows < _settings.FlushRows && bytes < _settings.FlushBytes && _queue.Reader.TryRead(out var write))
        {
            if (!write.DropIfAnswered() && !TryPark(write))
            {
                batch.Add(write);
                rows += write.Rows.Count;
                bytes += write.Bytes;
            }
        }
    }

    private async Task<List<QueuedWrite>?> FlushAll(List<QueuedWrite> batch)
    {
        if (!_transaction.IsOfOneOrganization)
            return await Flush(batch, wait: false);
        var locked = await Task.WhenAll(
            batch.GroupBy(write => write.OrgId).Select(writes => Flush([.. writes], wait: false)));
        return [.. locked.OfType<List<QueuedWrite>>().SelectMany(writes => writes)];
    }

    /// <summary>
    /// Writes a batch and completes every write that has a result. Returns the writes of locked logs; null when there are none.
    /// </summary>
    private async Task<List<QueuedWrite>?> Flush(List<QueuedWrite> batch, bool wait)
    {
        batch.RemoveAll(write => write.DropIfAbandoned());
        if (batch.Count == 0)
            return null;
        try
        {
            List<QueuedWrite>? locked = null;
            List<(IBulkInsert, IWrite)> rows = [.. batch.SelectMany(write => write.Rows, (write, row) => (write.Insert, row))];
            var statuses = await CommitTelemetry.Run(
                _instruments,
                _name,
                batch[0].Age,
                batch.Select(write => write.Request).OfType<Activity>(),
                () => _transaction.Run(rows, wait));
            var begins = 0;
            foreach (var write in batch)
            {
                var own = statuses.AsSpan(begins, write.Rows.Count);
                begins += own.Length;
                if (own[0] == WriteStatus.Locked)
                    (locked ??= []).Add(write);
                else if (own[0] == WriteStatus.NotFound && write is { LostConnection: { } cut, Rows: [{ IdempotencyKey: null }, ..] })
                    write.Fail(cut); // Its parent may have existed at the first attempt, so we cannot claim that nothing is written.
                else
                    write.Complete(own);
            }
            return Requeue(locked);
        }
        catch (Exception failure)
        {
            return await Recover(batch, wait, failure);
        }
    }

    // The writes are no longer in flight. A write whose caller timed out meanwhile is abandoned at this point.
    private static List<QueuedWrite>? Requeue(List<QueuedWrite>? batch)
    {
        batch?.ForEach(write => write.Requeue());
        return batch;
    }
}
