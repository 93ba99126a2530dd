using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Creates chats by group commit, each exactly once per Idempotency-Key, like <see cref="MessageWriter"/> for messages.</summary>
internal sealed class ChatWriter(
    [FromKeyedServices(Pools.Writing)] NpgsqlDataSource writing,
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time,
    ChangeLog changeLog,
    Instruments instruments,
    ILogger<ChatWriter> log)
    : IAsyncDisposable
{
    private readonly GroupCommit<NewChat> _commit = new(
        new ChatInsert(writing, settings, time, changeLog),
        writing,
        settings,
        instruments,
        log,
        name: "chats");
    private readonly KeyedLock<LockKey> _locks = new(settings.KeyLockTimeout, time);

    /// <summary>Counts the rows and bytes that are queued.</summary>
    public QueueCapacity Capacity => _commit.Capacity;

    /// <summary>Writes a chat and returns once it is committed.</summary>
    /// <exception cref="ProblemException">There is no such member, or the Idempotency-Key was used with another body.</exception>
    public async Task<WriteResult<Chat>> Open(NewChat chat, CancellationToken ct)
    {
        if (chat.IdempotencyKey is not { } idempotencyKey)
        {
            return await _commit.Write(chat, ct) == WriteStatus.Written ? new(chat.Chat, Replayed: false) : throw NoSuchMember();
        }
        using var keyLock = await _locks.Acquire(new LockKey(chat.OrgId, Guid.Empty), idempotencyKey.Key, ct);
        while (true)
        {
            var status = await _commit.Write(chat, ct);
            if (status == WriteStatus.Written)
                return new(chat.Chat, Replayed: false);
            // The key may be found even if the member has been removed since: the chat was created before.
            if (await Find(chat, idempotencyKey, ct) is { } known)
                return known;
            if (status == WriteStatus.NotFound)
                throw NoSuchMember();
        }
    }

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    private async Task<WriteResult<Chat>?> Find(NewChat chat, Idempotency idempotencyKey, CancellationToken ct)
    {
        var row = await db.QuerySingleOrDefaultAsync<Row>(
            """
            select k.body_sha256, c.id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at, f.rating,
                   f.comment, f.at
            from idempotency_keys k
            left join chats c on c.org_id = k.org_id and c.id = k.target_id and c.deleted_at is null
            left join feedback f on f.org_id = c.org_id and f.target_id = c.id
            where k.org_id = @OrgId
              and k.route = 'chats'
              and k.parent_id = @Parent
              and k.key = @Key
              and k.created_at > @Forgotten
            """,
            new { chat.OrgId, Parent = Guid.Empty, idempotencyKey.Key, Forgotten = time.GetUtcNow() - settings.KeyRetention },
            ct);
        if (row is null)
            return null;
        if (!row.BodySha256.AsSpan().SequenceEqual(idempotencyKey.BodySha256))
            throw ProblemException.IdempotencyKeyReused();
        return row.Id is null
            ? throw ProblemException.NotFound("The chat that was opened with this Idempotency-Key is deleted.")
            : new(row.ToChat(), Replayed: row.Id != chat.Chat.Id);
    }

    private static ProblemException NoSuchMember() => ProblemException.NotFound("No such member in this organization.");

    private sealed record Row(
        byte[] BodySha256, Guid? Id, string? Title, string[]? Tags, RawJsonObject? Metadata, Guid? UserId, string? ExternalUserId,
        DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Chat ToChat() =>
            new(
                Id!.Value,
                Title,
                Tags!,
                Metadata!,
                UserId,
                ExternalUserId,
                CreatedAt!.Value,
                UpdatedAt!.Value,
                Feedback.From(Rating, Comment, At));
    }
}

/// <summary>A chat to be created in an organization, with its id and time.</summary>
internal sealed record NewChat(Guid OrgId, Chat Chat, Idempotency? IdempotencyKey) : IWrite
{
    /// <summary>The member that the chat is attributed to, because the insert locks that row; an empty id: none.</summary>
    public LockKey LockKey => new(OrgId, Chat.UserId ?? Guid.Empty);

    public Guid Id => Chat.Id;

    public int Bytes { get; } = 1_000 + Chat.Metadata.Utf8.Length;
}
