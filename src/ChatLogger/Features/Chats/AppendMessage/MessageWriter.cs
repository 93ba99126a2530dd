using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A message to be written in an organization, with its id and time.</summary>
internal sealed record NewMessage(Guid OrgId, Message Message, Idempotency? IdempotencyKey) : IWrite<Message>
{
    /// <summary>The chat. An Idempotency-Key is unique in it.</summary>
    public ParentKey Parent => new(OrgId, Message.ChatId);

    public ParentKey KeyParent => Parent;

    /// <summary>
    /// The Idempotency-Key and the id of the first message of the run that this one continues: it is written only if no other message has
    /// that key. Null: it stands for itself.
    /// </summary>
    public (string Key, Guid Id)? Run { get; init; }

    public Guid Id => Message.Id;

    public Message Value => Message;

    public int Bytes { get; } = 500 + 2 * (Message.Content?.Length ?? 0) + Message.Metadata.Utf8.Length
        + (Message.Parts?.Utf8.Length ?? 0) + (Message.ToolCalls?.Utf8.Length ?? 0);
}

/// <summary>Adds messages to chats. Messages of the same chat keep the order of the calls.</summary>
internal sealed class MessageWriter(
    GroupCommit commit,
    QueueCapacities capacities,
    [FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time)
    : IdempotentWriter<NewMessage, Message>(
        commit, new BulkInsert<NewMessage>(new MessageInsert(inRuns: false), "messages", settings, time), capacities.Messages, settings,
        time)
{
    public const string NoSuchChat = "No such chat in this organization.";

    protected override string ParentNotFound => NoSuchChat;

    protected override string Deleted => NoSuchChat;

    protected override async Task<StoredWrite<Message>?> Find(
        NewMessage message, string key, DateTimeOffset forgotten, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<Row>(
            """
            select k.body_sha256, m.id, m.chat_id, m.role, m.content, m.parts, m.tool_calls, m.tool_call_id, m.name, m.metadata,
                   m.latency_ms, m.token_count, m.prompt_tokens, m.completion_tokens, m.model, m.created_at, f.rating, f.comment, f.at
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
            new { message.OrgId, message.Message.ChatId, Key = key, Forgotten = forgotten },
            ct))?.ToStored();

    private sealed record Row(
        byte[] BodySha256, Guid? Id, Guid? ChatId, string? Role, string? Content, RawJsonArray? Parts, RawJsonArray? ToolCalls,
        string? ToolCallId, string? Name, RawJsonObject? Metadata, int? LatencyMs, int? TokenCount, int? PromptTokens,
        int? CompletionTokens, string? Model, DateTimeOffset? CreatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public StoredWrite<Message> ToStored() => new(BodySha256, Id, Id is null ? null : new Message(
            Id.Value, ChatId!.Value, Role!, Content.NullIfEmpty(), Parts, ToolCalls, ToolCallId, Name, Metadata!, LatencyMs, TokenCount,
            PromptTokens, CompletionTokens, Model, CreatedAt!.Value, Feedback.From(Rating, Comment, At)));
    }
}
