using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Adds messages to chats by group commit, each exactly once per Idempotency-Key. A call writes one message and has a result of its own. To
/// write several messages, call it for each without awaiting in between: messages of the same chat keep the order of the calls.
/// </summary>
internal sealed class MessageWriter(
    [FromKeyedServices(Pools.Writing)] NpgsqlDataSource writing,
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time,
    ChangeLog changeLog,
    Instruments instruments,
    ILogger<MessageWriter> log)
    : IAsyncDisposable
{
    private readonly GroupCommit<NewMessage> _commit = new(
        new MessageInsert(writing, settings, time, changeLog),
        writing,
        settings,
        instruments,
        log);
    private readonly KeyedLock<LockKey> _locks = new(settings.KeyLockTimeout, time);

    /// <summary>Counts the rows and bytes that are queued.</summary>
    public QueueCapacity Capacity => _commit.Capacity;

    /// <summary>Writes a message and returns once it is committed.</summary>
    /// <exception cref="ProblemException">There is no such chat, or the Idempotency-Key was used with another body.</exception>
    public async Task<WriteResult<Message>> Append(NewMessage message, CancellationToken ct)
    {
        if (message.IdempotencyKey is not { } idempotencyKey)
        {
            return await _commit.Write(message, ct) == WriteStatus.Written ? new(message.Message, Replayed: false) : throw NoSuchChat();
        }
        using var keyLock = await _locks.Acquire(message.LockKey, idempotencyKey.Key, ct);
        while (true)
        {
            var status = await _commit.Write(message, ct);
            if (status == WriteStatus.Written)
                return new(message.Message, Replayed: false);
            if (await Find(message, idempotencyKey, ct) is { } known)
                return known;
            if (status == WriteStatus.NotFound)
                throw NoSuchChat();
            // The key expired between the insert and the query, so it is free again: retry.
        }
    }

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    private async Task<WriteResult<Message>?> Find(NewMessage message, Idempotency idempotencyKey, CancellationToken ct)
    {
        var row = await db.QuerySingleOrDefaultAsync<Row>(
            """
            select k.body_sha256, m.id, m.chat_id, m.role, m.content, m.metadata, m.latency_ms, m.token_count, m.prompt_tokens,
                   m.completion_tokens, m.model, m.created_at, f.rating, f.comment, f.at
            from idempotency_keys k
            left join chats c on c.org_id = k.org_id and c.id = k.parent_id and c.deleted_at is null
            left join messages m on m.org_id = c.org_id and m.chat_id = c.id and m.id = k.target_id
            left join feedback f on f.org_id = m.org_id and f.target_id = m.id
            where k.org_id = @OrgId
              and k.route = 'messages'
              and k.parent_id = @ChatId
              and k.key = @Key
              and k.created_at > @Forgotten
            """,
            new { message.OrgId, message.Message.ChatId, idempotencyKey.Key, Forgotten = time.GetUtcNow() - settings.KeyRetention },
            ct);
        if (row is null)
            return null;
        if (!row.BodySha256.AsSpan().SequenceEqual(idempotencyKey.BodySha256))
            throw ProblemException.IdempotencyKeyReused();
        return row.Id is null ? throw NoSuchChat() : new(row.ToMessage(), Replayed: row.Id != message.Message.Id);
    }

    private static ProblemException NoSuchChat() => ProblemException.NotFound("No such chat in this organization.");

    private sealed record Row(
        byte[] BodySha256,
        Guid? Id,
        Guid? ChatId,
        string? Role,
        string? Content,
        RawJsonObject? Metadata,
        int? LatencyMs,
        int? TokenCount,
        int? PromptTokens,
        int? CompletionTokens,
        string? Model,
        DateTimeOffset? CreatedAt,
        string? Rating,
        string? Comment,
        DateTimeOffset? At)
    {
        public Message ToMessage() =>
            new(
                Id!.Value,
                ChatId!.Value,
                Role!,
                Content!,
                Metadata!,
                LatencyMs,
                TokenCount,
                PromptTokens,
                CompletionTokens,
                Model,
                CreatedAt!.Value,
                Feedback.From(Rating, Comment, At));
    }
}

/// <summary>A message to be written in an organization, with its id and time.</summary>
internal sealed record NewMessage(Guid OrgId, Message Message, Idempotency? IdempotencyKey) : IWrite
{
    public LockKey LockKey => new(OrgId, Message.ChatId);

    public Guid Id => Message.Id;

    public int Bytes { get; } = 500 + 2 * Message.Content.Length + Message.Metadata.Utf8.Length;
}
