using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Opens chats, many at a time and each exactly once, as <see cref="MessageWriter"/> adds messages.</summary>
internal sealed class ChatWriter(
    [FromKeyedServices(Pools.Writing)] NpgsqlDataSource writing,
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
    WritingSettings settings,
    TimeProvider time,
    Arrivals arrivals,
    Instruments instruments,
    ILogger<ChatWriter> log)
    : IAsyncDisposable
{
    private readonly GroupCommit<NewChat> _commit = new(new ChatFlush(writing, settings, time, arrivals), writing, settings, instruments, log, name: "chats");
    private readonly Twins<Place> _twins = new(settings.TwinPatience, time);

    /// <summary>What waits here.</summary>
    public Room Room => _commit.Room;

    /// <summary>Returns once the chat is durable.</summary>
    /// <exception cref="Problem">There is no such member, or another body came under the same Idempotency-Key.</exception>
    public async Task<Written<Chat>> Open(NewChat chat, CancellationToken ct)
    {
        if (chat.Once is not { } once)
        {
            return await _commit.Write(chat, ct) == Fate.Written ? new(chat.Chat, Replayed: false) : throw NoSuchMember();
        }
        using var turn = await _twins.Turn(new Place(chat.OrgId, Guid.Empty), once.Key, ct);
        while (true)
        {
            var fate = await _commit.Write(chat, ct);
            if (fate == Fate.Written)
                return new(chat.Chat, Replayed: false);
            // Also where the member is gone since: the chat that was opened for them is not.
            if (await Find(chat, once, ct) is { } known)
                return known;
            if (fate == Fate.Unknown)
                throw NoSuchMember();
        }
    }

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    private async Task<Written<Chat>?> Find(NewChat chat, Idempotency once, CancellationToken ct)
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
            new { chat.OrgId, Parent = Guid.Empty, once.Key, Forgotten = time.GetUtcNow() - settings.KeepKeysFor },
            ct);
        if (row is null)
            return null;
        if (!row.BodySha256.AsSpan().SequenceEqual(once.BodySha256))
            throw Problem.IdempotencyKeyReused();
        return row.Id is null ? throw Problem.NotFound("The chat that was opened with this Idempotency-Key is deleted.") : new(row.ToChat(), Replayed: row.Id != chat.Chat.Id);
    }

    private static Problem NoSuchMember() => Problem.NotFound("No such member in this organization.");

    private sealed record Row(
        byte[] BodySha256, Guid? Id, string? Title, string[]? Tags, JsonObjectText? Metadata, Guid? UserId, string? ExternalUserId,
        DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Chat ToChat() => new(
            Id!.Value, Title, Tags!, Metadata!, UserId, ExternalUserId, CreatedAt!.Value, UpdatedAt!.Value, Feedback.From(Rating, Comment, At));
    }
}

/// <summary>A chat to be opened in an organization, with its id and time.</summary>
internal sealed record NewChat(Guid OrgId, Chat Chat, Idempotency? Once) : IWrite
{
    /// <summary>The member that the chat is attributed to is what has to be locked for it.</summary>
    public Place Place => new(OrgId, Chat.UserId ?? Guid.Empty);

    public Guid Id => Chat.Id;

    public int Bytes { get; } = 1_000 + Chat.Metadata.Utf8.Length;
}
