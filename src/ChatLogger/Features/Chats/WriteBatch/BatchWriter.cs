using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Writes the chats and messages of batches. It has writers of its own, so that a single message never queues behind the thousand rows of a
/// batch. The rows of an organization always go to the same writer, by hash: so two writers never contend for its log, and its messages
/// keep their order.
/// </summary>
internal sealed partial class BatchWriter : IAsyncDisposable
{
    /// <summary>The route that Idempotency-Keys of items are stored under.</summary>
    public const string Route = "batch";

    private readonly NpgsqlDataSource _db;
    private readonly IngestSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogSampler _unavailable;
    private readonly QueueCapacity _capacity;
    private readonly KeyedLock<ParentKey> _locks;
    private readonly ExistingChats _existing;
    private readonly OrganizationSecrets _secrets;
    private readonly BulkInsert<NewChat> _chats;
    private readonly BulkInsert<NewMessage> _messages;
    private readonly BulkInsert<NewMessage> _runs;
    private readonly GroupCommit[] _writers;

    public BatchWriter(
        GroupCommitFactory commits,
        ExistingChats existing,
        OrganizationSecrets secrets,
        QueueCapacities capacities,
        [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
        IngestSettings settings,
        TimeProvider time,
        ILogger<BatchWriter> log)
    {
        (_db, _existing, _secrets, _settings, _time, _log) = (db, existing, secrets, settings, time, log);
        _unavailable = new(TimeSpan.FromSeconds(5), time);
        _capacity = capacities.Batches;
        _locks = new KeyedLock<ParentKey>(settings.KeyLockTimeout, time);
        _chats = new BulkInsert<NewChat>(new ChatInsert(), Route, settings, time);
        _messages = new BulkInsert<NewMessage>(new MessageInsert(inRuns: false), Route, settings, time);
        _runs = new BulkInsert<NewMessage>(new MessageInsert(inRuns: true), Route, settings, time);
        _writers = [.. Enumerable.Range(0, settings.BatchWriters).Select(_ => commits.Create(Route))];
    }

    /// <summary>
    /// The capacity of the queue. It must be reserved before a batch is written; an item that is not written must be released.
    /// </summary>
    public QueueCapacity Capacity => _capacity;

    /// <summary>Writes chats and returns the result of each. Those that were written are committed.</summary>
    public async Task<BatchItemResult[]> Open(IReadOnlyList<NewChat> chats, CancellationToken ct)
    {
        var secret = await _secrets.Of(chats[0].OrgId, ct);
        return await new BatchWrite<NewChat>(
            [.. chats.Select(chat => chat.UnlessGone(secret, Route))], Queue(_chats), FindChats, _capacity, _locks, _time, ErrorOf)
        {
            ParentNotFound = ChatWriter.NoSuchMember,
            Deleted = ChatWriter.ConversationGone,
            Gone = ChatWriter.ConversationGone,
            FindExisting = FindExistingChats,
        }.Run(ct);
    }

    /// <summary>Writes messages and returns the result of each. Those that were written are committed.</summary>
    public Task<BatchItemResult[]> Append(IReadOnlyList<NewMessage> messages, CancellationToken ct) => Append(messages, _messages, ct);

    /// <summary>
    /// Writes messages of one chat in one transaction, of which each but the first continues a run: those whose run others have begun are
    /// not written, and have the result of a reused key.
    /// </summary>
    public Task<BatchItemResult[]> AppendRun(IReadOnlyList<NewMessage> messages, CancellationToken ct) =>
        Append(messages, _runs, ct, allOrNone: true);

    private Task<BatchItemResult[]> Append(
        IReadOnlyList<NewMessage> messages, BulkInsert<NewMessage> insert, CancellationToken ct, bool allOrNone = false) =>
        new BatchWrite<NewMessage>(
            messages,
            Queue(insert),
            FindMessages,
            _capacity,
            _locks,
            _time,
            ErrorOf)
        {
            ParentNotFound = MessageWriter.NoSuchChat,
            Deleted = MessageWriter.NoSuchChat,
            InOrder = true,
            AllOrNone = allOrNone,
        }.Run(ct);

    public async ValueTask DisposeAsync()
    {
        foreach (var writer in _writers)
            await writer.DisposeAsync();
    }

    private Action<IReadOnlyList<IWrite>, PendingWriteGroup, int> Queue(IBulkInsert insert) => (rows, group, place) =>
        _writers[(uint)rows[0].OrgId.GetHashCode() % _writers.Length].Write(rows, insert, _capacity, group, place);

    private Task<IReadOnlyList<StoredItem>> FindChats(IReadOnlyList<NewChat> chats, CancellationToken ct) =>
        _db.ReadAsync<StoredItem>(
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

    private Task<IReadOnlyList<ExistingItem>> FindExistingChats(IReadOnlyList<NewChat> chats, CancellationToken ct) =>
        _existing.Find(Route, chats, ct);

    // Of a message that continues a run, what is written under its own key comes before what is written under that of the run.
    private Task<IReadOnlyList<StoredItem>> FindMessages(IReadOnlyList<NewMessage> messages, CancellationToken ct) =>
        _db.ReadAsync<StoredItem>(
            """
            select distinct on (k.no) k.no::int, i.body_sha256, m.id
            from unnest(@Chats::uuid[], @Keys, @Runs) with ordinality as k(chat_id, key, run, no)
            join idempotency_keys i on i.org_id = @OrgId and i.route = @Route and i.parent_id = k.chat_id and i.key in (k.key, k.run)
            left join chats c on c.org_id = i.org_id and c.id = i.parent_id and c.deleted_at is null
            left join messages m on m.org_id = c.org_id and m.chat_id = c.id and m.id = i.target_id
            where i.created_at > @Forgotten
            order by k.no, i.key = k.key desc
            """,
            new
            {
                messages[0].OrgId,
                Route,
                Chats = messages.Select(message => message.Message.ChatId.ToString()).ToArray(),
                Keys = messages.Select(message => message.IdempotencyKey!.Key).ToArray(),
                Runs = messages.Select(message => message.Run?.Key!).ToArray(),
                Forgotten = Forgotten(),
            },
            ct);

    private DateTimeOffset Forgotten() => _time.GetUtcNow() - _settings.KeyRetention;

    /// <summary>Returns the error that the caller sees of a failure.</summary>
    public ProblemException ErrorOf(Exception failure)
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
}
