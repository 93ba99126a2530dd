using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A chat to be created in an organization, with its id and time.</summary>
internal sealed record NewChat(Guid OrgId, Chat Chat, Idempotency? IdempotencyKey) : IWrite<Chat>
{
    /// <summary>The member that the chat is attributed to; an empty id: none.</summary>
    public ParentKey Parent => new(OrgId, Chat.UserId ?? Guid.Empty);

    /// <summary>An Idempotency-Key of a chat is unique in its organization.</summary>
    public ParentKey KeyParent => new(OrgId, Guid.Empty);

    public Guid Id => Chat.Id;

    public Chat Value => Chat;

    public int Bytes { get; } = 1_000 + Chat.Metadata.Utf8.Length;

    /// <summary>What a tombstone of the conversation, and one of the Idempotency-Key, would be; null: there is none of it.</summary>
    public byte[]? ConversationHmac { get; init; }

    /// <inheritdoc cref="ConversationHmac"/>
    public byte[]? KeyHmac { get; init; }

    /// <summary>The same chat, which is not made if it, or its Idempotency-Key, is gone.</summary>
    public NewChat UnlessGone(OrganizationSecret secret, string route) => this with
    {
        ConversationHmac = Chat.ExternalId is { } externalId ? secret.OfConversation(externalId) : null,
        KeyHmac = IdempotencyKey is { } key ? secret.OfIdempotencyKey(route, key.Key) : null,
    };
}

/// <summary>Creates chats.</summary>
internal sealed class ChatWriter(
    GroupCommit commit,
    ExistingChats existing,
    OrganizationSecrets secrets,
    QueueCapacities capacities,
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time)
    : IdempotentWriter<NewChat, Chat>(
        commit, new BulkInsert<NewChat>(new ChatInsert(), Route, settings, time), capacities.Chats, settings, time)
{
    private const string Route = "chats";

    public const string NoSuchMember = "No such member in this organization.";
    public const string ConversationGone = "This conversation was deleted, and is not opened again.";

    protected override string ParentNotFound => NoSuchMember;

    protected override string Gone => ConversationGone;

    // The same before the purge as after it.
    protected override string Deleted => ConversationGone;

    public new async Task<WriteResult<Chat>> Write(NewChat chat, CancellationToken ct) => await base.Write(
        chat is { Chat.ExternalId: null, IdempotencyKey: null } ? chat : chat.UnlessGone(await secrets.Of(chat.OrgId, ct), Route), ct);

    protected override async Task<StoredWrite<Chat>?> Find(NewChat chat, string key, DateTimeOffset forgotten, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<Row>(
            """
            select k.body_sha256, k.existed, c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at,
                   c.updated_at, f.rating, f.comment, f.at
            from idempotency_keys k
            left join chats c on c.org_id = k.org_id and c.id = k.target_id and c.deleted_at is null
            left join feedback f on f.org_id = c.org_id and f.target_id = c.id
            where k.org_id = @OrgId
              and k.route = 'chats'
              and k.parent_id = @Parent
              and k.key = @Key
              and k.created_at > @Forgotten
            """,
            new { chat.OrgId, Parent = chat.KeyParent.Id, Key = key, Forgotten = forgotten },
            ct))?.ToStored();

    protected override async Task<StoredWrite<Chat>?> FindExisting(NewChat chat, CancellationToken ct)
    {
        var found = await existing.Find("chats", [chat], ct);
        if (found.Count == 0)
            return null;
        var row = await db.ReadSingleOrDefaultAsync<Chat.Row>(
            """
            select c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at, f.rating,
                   f.comment, f.at
            from chats c
            left join feedback f on f.org_id = c.org_id and f.target_id = c.id
            where c.org_id = @OrgId
              and c.id = @Id
              and c.deleted_at is null
            """,
            new { chat.OrgId, found[0].Id },
            ct);
        return row is null ? null : new([], row.Id, row.ToChat());
    }

    private sealed record Row(
        byte[] BodySha256, bool Existed, Guid? Id, string? ExternalId, string? Title, string[]? Tags, RawJsonObject? Metadata, Guid? UserId,
        string? ExternalUserId, DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public StoredWrite<Chat> ToStored() => new(
            BodySha256,
            Id,
            Id is null
                ? null
                : new Chat(
                    Id.Value, ExternalId, Title, Tags!, Metadata!, UserId, ExternalUserId, CreatedAt!.Value, UpdatedAt!.Value,
                    Feedback.From(Rating, Comment, At)),
            Existed);
    }
}
