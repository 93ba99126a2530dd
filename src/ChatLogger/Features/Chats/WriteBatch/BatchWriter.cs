using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Writes the chats and messages of batches, beside the writers of single ones and with statements of its own, so that a thousand rows never stand
/// in front of one. Messages of a chat go by one of the writers, always the same: two never meet at a chat, and its messages keep their order.
/// </summary>
internal sealed partial class BatchWriter : IAsyncDisposable
{
    /// <summary>What Idempotency-Keys of items are known by.</summary>
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
        [FromKeyedServices(Pools.Writing)] NpgsqlDataSource writing,
        [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
        IngestSettings settings,
        TimeProvider time,
        ChangeLog changeLog,
        Instruments instruments,
        ILogger<BatchWriter> log)
    {
        (_db, _settings, _time, _log) = (db, settings, time, log);
        _unavailable = new(TimeSpan.FromSeconds(5), time);
        _capacity = new QueueCapacity(settings.BatchQueueRows, settings.BatchQueueBytes);
        _locks = new KeyedLock<LockKey>(settings.KeyLockTimeout, time);
        _chats = new(new ChatInsert(writing, settings, time, changeLog, Route), writing, settings, instruments, log, _capacity, "batch-chats");
        _messages = new GroupCommit<NewMessage>[settings.BatchWriters];
        for (var i = 0; i < _messages.Length; i++)
            _messages[i] = new(new MessageInsert(writing, settings, time, changeLog, Route), writing, settings, instruments, log, _capacity, "batch-messages");
    }

    /// <summary>What waits here.</summary>
    public QueueCapacity Capacity => _capacity;

    /// <summary>Makes room for a batch; whoever was let in is written, or leaves.</summary>
    /// <exception cref="ProblemException">There is no room for all of it. Nothing is written.</exception>
    public void Reserve(IReadOnlyCollection<NewChat> chats, IReadOnlyCollection<NewMessage> messages) =>
        _capacity.Reserve(chats.Count + messages.Count, chats.Sum(chat => (long)chat.Bytes) + messages.Sum(message => (long)message.Bytes));

    /// <summary>Of somebody who was let in and will not be written.</summary>
    public void Release(IWrite write) => _capacity.Release(1, write.Bytes);

    /// <summary>What became of each chat. Those that were written are durable.</summary>
    public Task<BatchItemResult[]> Open(IReadOnlyList<NewChat> chats, CancellationToken ct) =>
        new BatchWrite<NewChat>(this, chats, chat => new LockKey(chat.OrgId, Guid.Empty), (chat, group, place) => _chats.Write(chat, group, place), FindChats)
        {
            NothingThere = "No such member in this organization.",
            Deleted = "The chat that was opened with this Idempotency-Key is deleted.",
        }.Run(ct);

    /// <summary>What became of each message. Those that were written are durable.</summary>
    public Task<BatchItemResult[]> Append(IReadOnlyList<NewMessage> messages, CancellationToken ct) =>
        new BatchWrite<NewMessage>(this, messages, message => message.LockKey, (message, group, place) => Writer(message.LockKey).Write(message, group, place), FindMessages)
        {
            NothingThere = "No such chat in this organization.",
            Deleted = "No such chat in this organization.",
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
            new { chats[0].OrgId, Route, Parent = Guid.Empty, Keys = chats.Select(chat => chat.IdempotencyKey!.Key).ToArray(), Forgotten = Forgotten() },
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
        // An item has no status for what is our own mistake. Nor may it be told that nothing is kept.
        CannotWrite(_log, failure);
        return ProblemWriter.Of(new TimeoutException());
    }

    [LoggerMessage(LogLevel.Warning, "Items of a batch were answered with 503: {Reason}; so were {Others} since the last of these lines")]
    private static partial void Unavailable(ILogger log, string reason, long others);

    [LoggerMessage(LogLevel.Error, "Items of a batch could not be written")]
    private static partial void CannotWrite(ILogger log, Exception failure);

    /// <summary>What is remembered of a key, of the how-manieth (from 1) that was asked for.</summary>
    private sealed record StoredKey(int No, byte[] BodySha256, Guid? Id);

    /// <summary>The way of one batch's chats, or messages, to the database.</summary>
    private sealed class BatchWrite<T>(
        BatchWriter writer,
        IReadOnlyList<T> writes,
        Func<T, LockKey> parent,
        Action<T, PendingWriteGroup, int> queue,
        Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<StoredKey>>> find)
        where T : IWrite
    {
        private readonly BatchItemResult[] _results = new BatchItemResult[writes.Count];

        /// <summary>Places whose earlier writes have not had their turn: the later ones must not overtake them.</summary>
        private readonly HashSet<LockKey> _blocked = [];

        public required string NothingThere { get; init; }

        public required string Deleted { get; init; }

        /// <summary>Writes at one place keep their order.</summary>
        public bool InOrder { get; init; }

        public async Task<BatchItemResult[]> Run(CancellationToken ct)
        {
            // Of twins only one at a time is on its way. This batch takes those turns that are free, and goes; then it waits for the others with empty
            // hands, so that two batches never wait for each other.
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
                    await writer._locks.Wait(parent(first), first.IdempotencyKey!.Key, since, ct);
                }
                catch (Exception failure)
                {
                    Complete(waiting[0], failure);
                    writer.Release(first);
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
                    if (writer._locks.TryAcquire(parent(write), idempotencyKey.Key) is { } keyLock)
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

                // Also where what it belongs to is gone since: what was written is not.
                ready = await Find(asked.ConvertAll(i => (ready[i], outcomes[i].Status)), ct);
            }
        }

        /// <summary>Those that are to be written once more: their key's day ended between the two questions.</summary>
        private async Task<List<int>> Find(List<(int Index, WriteStatus Fate)> asked, CancellationToken ct)
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
                    writer._capacity.Reserve(again.Count, again.Sum(index => (long)writes[index].Bytes));
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

/// <summary>What became of a chat or message of a batch: it has an id, now or since before; or this is why not.</summary>
internal readonly record struct BatchItemResult(Guid Id, bool Replayed, ProblemException? Error);
