using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Writes the chats and messages of batches. It has writers and statements of its own, so that a single message never queues behind the
/// thousand rows of a batch. The messages of a chat always go to the same writer, by hash: so two writers never contend for the lock of a
/// chat, and its messages keep their order.
/// </summary>
internal sealed partial class BatchWriter : IAsyncDisposable
{
    /// <summary>The route that Idempotency-Keys of items are stored under.</summary>
    private const string Route = "batch";

    private readonly NpgsqlDataSource _db;
    private readonly IngestSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogSampler _unavailable;
    private readonly QueueCapacity _capacity;
    private readonly KeyedLock<LockKey> _locks;
    private readonly GroupCommit<NewChat> _chats;
    private readonly GroupCommit<NewMessage>[] _messages;

    public BatchWriter(
        GroupCommitFactory commits,
        QueueCapacities capacities,
        [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
        IngestSettings settings,
        TimeProvider time,
        ILogger<BatchWriter> log)
    {
        (_db, _settings, _time, _log) = (db, settings, time, log);
        _unavailable = new(TimeSpan.FromSeconds(5), time);
        _capacity = capacities.Batches;
        _locks = new KeyedLock<LockKey>(settings.KeyLockTimeout, time);
        _chats = commits.Create(new ChatInsert(), Route, "batch-chats", _capacity, log);
        _messages = new GroupCommit<NewMessage>[settings.BatchWriters];
        for (var i = 0; i < _messages.Length; i++)
            _messages[i] = commits.Create(new MessageInsert(), Route, "batch-messages", _capacity, log);
    }

    /// <summary>
    /// The capacity of the queue. It must be reserved before a batch is written; an item that is not written must be released.
    /// </summary>
    public QueueCapacity Capacity => _capacity;

    /// <summary>Writes chats and returns the result of each. Those that were written are committed.</summary>
    public Task<BatchItemResult[]> Open(IReadOnlyList<NewChat> chats, CancellationToken ct) =>
        new BatchWrite<NewChat>(
            this,
            chats,
            (chat, group, place) => _chats.Write(chat, group, place),
            FindChats)
        {
            NothingThere = ChatWriter.NoSuchMember,
            Deleted = ChatWriter.ChatDeleted,
        }.Run(ct);

    /// <summary>Writes messages and returns the result of each. Those that were written are committed.</summary>
    public Task<BatchItemResult[]> Append(IReadOnlyList<NewMessage> messages, CancellationToken ct) =>
        new BatchWrite<NewMessage>(
            this,
            messages,
            (message, group, place) => Writer(message.LockKey).Write(message, group, place),
            FindMessages)
        {
            NothingThere = MessageWriter.NoSuchChat,
            Deleted = MessageWriter.NoSuchChat,
            InOrder = true,
        }.Run(ct);

    public async ValueTask DisposeAsync()
    {
        await _chats.DisposeAsync();
        foreach (var messages in _messages)
            await messages.DisposeAsync();
    }

    private GroupCommit<NewMessage> Writer(LockKey chat) => _messages[(uint)chat.GetHashCode() % _messages.Length];

    private Task<IReadOnlyList<StoredKey>> FindChats(IReadOnlyList<NewChat> chats, CancellationToken ct) =>
        _db.QueryAsync<StoredKey>(
            """
            select k.no::int, i.body_sha256, c.id
            from unnest(@Keys) with ordinality as k(key, no)
            join idempotency_keys i on i.org_id = @OrgId and i.route = @Route and i.parent_id = @Parent and i.key = k.key
            left join chats c on c.org_id = i.org_id and c.id = i.target_id and c.deleted_at is null
            where i.created_at > @Forgotten
            """,
            new
            {
                chats[0].OrgId,
                Route,
                Parent = Guid.Empty,
                Keys = chats.Select(chat => chat.IdempotencyKey!.Key).ToArray(),
                Forgotten = Forgotten(),
            },
            ct);

    private Task<IReadOnlyList<StoredKey>> FindMessages(IReadOnlyList<NewMessage> messages, CancellationToken ct) =>
        _db.QueryAsync<StoredKey>(
            """
            select k.no::int, i.body_sha256, m.id
            from unnest(@Chats::uuid[], @Keys) with ordinality as k(chat_id, key, no)
            join idempotency_keys i on i.org_id = @OrgId and i.route = @Route and i.parent_id = k.chat_id and i.key = k.key
            left join chats c on c.org_id = i.org_id and c.id = i.parent_id and c.deleted_at is null
            left join messages m on m.org_id = c.org_id and m.chat_id = c.id and m.id = i.target_id
            where i.created_at > @Forgotten
            """,
            new
            {
                messages[0].OrgId,
                Route,
                Chats = messages.Select(message => message.Message.ChatId.ToString()).ToArray(),
                Keys = messages.Select(message => message.IdempotencyKey!.Key).ToArray(),
                Forgotten = Forgotten(),
            },
            ct);

    private DateTimeOffset Forgotten() => _time.GetUtcNow() - _settings.KeyRetention;

    private ProblemException ErrorOf(Exception failure)
    {
        var problem = ProblemWriter.Of(failure);
        if (problem.Type == ProblemType.Unavailable && _unavailable.ShouldLog(out var suppressed))
            Unavailable(_log, ProblemWriter.Reason(failure), suppressed);
        if (problem.Type != ProblemType.Internal)
            return problem;
        // The result of an item has no status for an internal error, and we must not claim that nothing is written. So it reports a
        // time-out.
        CannotWrite(_log, failure);
        return ProblemWriter.Of(new TimeoutException());
    }

    [LoggerMessage(LogLevel.Warning, "Items of a batch were answered with 503: {Reason}; so were {Others} since the last of these lines")]
    private static partial void Unavailable(ILogger log, string reason, long others);

    [LoggerMessage(LogLevel.Error, "Items of a batch could not be written")]
    private static partial void CannotWrite(ILogger log, Exception failure);

    /// <summary>A stored Idempotency-Key. No is its position (from 1) among the keys of the query.</summary>
    private sealed record StoredKey(int No, byte[] BodySha256, Guid? Id);

    /// <summary>Writes the chats, or the messages, of one batch.</summary>
    private sealed class BatchWrite<T>(
        BatchWriter writer,
        IReadOnlyList<T> writes,
        Action<T, PendingWriteGroup, int> queue,
        Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<StoredKey>>> find)
        where T : IWrite
    {
        private readonly BatchItemResult[] _results = new BatchItemResult[writes.Count];

        /// <summary>Lock keys with an earlier write that waits for its Idempotency-Key; later writes must not overtake it.</summary>
        private readonly HashSet<LockKey> _blocked = [];

        public required string NothingThere { get; init; }

        public required string Deleted { get; init; }

        /// <summary>Whether writes with the same lock key keep their order.</summary>
        public bool InOrder { get; init; }

        public async Task<BatchItemResult[]> Run(CancellationToken ct)
        {
            // Of concurrent requests with the same Idempotency-Key only one may be in flight. The batch acquires the key locks that are
            // free, writes those items and releases the locks. Only then does it wait for the other locks, without holding any, so that two
            // batches cannot deadlock.
            List<int> waiting = [.. Enumerable.Range(0, writes.Count)];
            for (var since = writer._time.GetTimestamp(); waiting.Count > 0;)
            {
                var keyLocks = new List<IDisposable>();
                try
                {
                    var ready = AcquireLocks(ref waiting, keyLocks);
                    if (ready.Count > 0)
                    {
                        await Write(ready, ct);
                        continue;
                    }
                }
                finally
                {
                    keyLocks.ForEach(keyLock => keyLock.Dispose());
                }

                var first = writes[waiting[0]];
                try
                {
                    await writer._locks.Wait(first.KeyParent, first.IdempotencyKey!.Key, since, ct);
                }
                catch (Exception failure)
                {
                    Complete(waiting[0], failure);
                    writer._capacity.Release(first);
                    waiting.RemoveAt(0);
                }
            }
            return _results;
        }

        private List<int> AcquireLocks(ref List<int> waiting, List<IDisposable> keyLocks)
        {
            var (ready, later) = (new List<int>(waiting.Count), new List<int>());
            _blocked.Clear();
            foreach (var i in waiting)
            {
                var write = writes[i];
                var isHeldUp = InOrder && _blocked.Count > 0 && _blocked.Contains(write.LockKey);
                if (!isHeldUp && write.IdempotencyKey is { } idempotencyKey)
                {
                    if (writer._locks.TryAcquire(write.KeyParent, idempotencyKey.Key) is { } keyLock)
                        keyLocks.Add(keyLock);
                    else
                        isHeldUp = true;
                }
                (isHeldUp ? later : ready).Add(i);
                if (isHeldUp)
                    _blocked.Add(write.LockKey);
            }
            waiting = later;
            return ready;
        }

        private async Task Write(List<int> ready, CancellationToken ct)
        {
            while (ready.Count > 0)
            {
                var group = new PendingWriteGroup(ready.Count);
                for (var i = 0; i < ready.Count; i++)
                    queue(writes[ready[i]], group, i);
                var outcomes = await group.WaitAsync(ct);

                var asked = new List<int>();
                for (var i = 0; i < ready.Count; i++)
                {
                    var outcome = outcomes[i];
                    if (outcome.Error is { } why)
                        Complete(ready[i], why);
                    else if (outcome.Status == WriteStatus.Written)
                        _results[ready[i]] = new(writes[ready[i]].Id, false, null);
                    else if (writes[ready[i]].IdempotencyKey is not null)
                        asked.Add(i);
                    else
                        Complete(ready[i], ProblemException.NotFound(NothingThere));
                }
                if (asked.Count == 0)
                    return;

                // A key may be found even if the parent has been deleted since: the item was written before.
                ready = await Find(asked.ConvertAll(i => (ready[i], outcomes[i].Status)), ct);
            }
        }

        /// <summary>
        /// Completes the items whose keys are found, and returns those that must be written again because their key expired between the
        /// insert and this query.
        /// </summary>
        private async Task<List<int>> Find(List<(int Index, WriteStatus Status)> asked, CancellationToken ct)
        {
            var again = new List<int>();
            try
            {
                var known = (await find(asked.ConvertAll(one => writes[one.Index]), ct)).ToDictionary(one => one.No);
                for (var i = 0; i < asked.Count; i++)
                {
                    var (index, status) = asked[i];
                    if (known.TryGetValue(i + 1, out var before))
                        Complete(index, before);
                    else if (status == WriteStatus.NotFound)
                        Complete(index, ProblemException.NotFound(NothingThere));
                    else
                        again.Add(index);
                }
                if (again.Count > 0)
                    writer._capacity.Reserve([.. again.Select(index => writes[index])]);
            }
            catch (Exception failure)
            {
                foreach (var (index, _) in asked)
                    Complete(index, failure);
                again.Clear();
            }
            return again;
        }

        private void Complete(int index, StoredKey before)
        {
            var write = writes[index];
            if (!before.BodySha256.AsSpan().SequenceEqual(write.IdempotencyKey!.BodySha256))
                Complete(index, ProblemException.IdempotencyKeyReused());
            else if (before.Id is { } id)
                _results[index] = new(id, id != write.Id, null);
            else
                Complete(index, ProblemException.NotFound(Deleted));
        }

        private void Complete(int index, Exception why) => _results[index] = new(default, false, writer.ErrorOf(why));
    }
}

/// <summary>
/// The result of a chat or message of a batch: its id, whether it was written just now or earlier (replayed); or the error.
/// </summary>
internal readonly record struct BatchItemResult(Guid Id, bool Replayed, ProblemException? Error);
