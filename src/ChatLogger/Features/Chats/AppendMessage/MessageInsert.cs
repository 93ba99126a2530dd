using ChatLogger.Ingest;
using NpgsqlTypes;

namespace ChatLogger.Features;

/// <summary>The bulk insert of messages, of many chats and organizations in one statement.</summary>
/// <param name="inRuns">Whether the messages may be of a run: see <see cref="NewMessage.Run"/>.</param>
internal sealed class MessageInsert(bool inRuns) : IBulkInsertSql<NewMessage>
{
    private string InsertKeys =>
        $"""
        , key as (
            {BulkInsertKeys.Insert}
            select c.org_id, @route, c.id, m.key, m.body_sha256, m.id, @now
            from unnest(@parent_no, @id, @key, @body_sha256{(inRuns ? ", @run_key, @run_id" : "")}) as m(
                chat, id, key, body_sha256{(inRuns ? ", run_key, run_id" : "")})
            join chat c on c.no = m.chat
            where m.key is not null
            {(inRuns ? BeginsHere : "")}
            {BulkInsertKeys.OnConflict}
            returning target_id
        )
        """;

    private const string BeginsHere =
        """
              and not exists (
                  select
                  from idempotency_keys k
                  where k.org_id = c.org_id
                    and k.route = @route
                    and k.parent_id = c.id
                    and k.key = m.run_key
                    and k.target_id <> m.run_id
                    and k.created_at > @forgotten
              )
        """;

    private const string OnlyNewKeys =
        """
            join unnest(@key) with ordinality as k(key, no) on k.no = m.no
            where k.key is null or m.id in (select target_id from key)
        """;

    private const string DuplicateKeys =
        $"""
        union all
        select '{nameof(WriteStatus.DuplicateKey)}', m.no::int
        from unnest(@parent_no, @id, @key) with ordinality as m(chat, id, key, no)
        join chat c on c.no = m.chat
        where m.key is not null
          and m.id not in (select target_id from key)
        """;

    private const string Rare = ", parts, tool_calls, tool_call_id, name";

    public IReadOnlyList<string> Checks(bool keyed, bool rare) =>
    [
        $"""
        select '{nameof(WriteStatus.NotFound)}', m.no::int
        from unnest(@parent_id) with ordinality as m(chat_id, no)
        where not exists (select from chats c where c.org_id = @one_org_id and c.id = m.chat_id and c.deleted_at is null)
        """,
        .. keyed ? [KnownKeys] : Array.Empty<string>(),
        .. keyed && inRuns ? [KnownRuns] : Array.Empty<string>(),
    ];

    private const string KnownKeys =
        $"""
        select '{nameof(WriteStatus.DuplicateKey)}', m.no::int
        from unnest(@parent_id, @key) with ordinality as m(chat_id, key, no)
        join idempotency_keys k on k.org_id = @one_org_id and k.route = @route and k.parent_id = m.chat_id and k.key = m.key
        where k.created_at > @forgotten
        """;

    private const string KnownRuns =
        $"""
        select '{nameof(WriteStatus.DuplicateKey)}', m.no::int
        from unnest(@parent_id, @run_key, @run_id) with ordinality as m(chat_id, key, id, no)
        join idempotency_keys k on k.org_id = @one_org_id and k.route = @route and k.parent_id = m.chat_id and k.key = m.key
        where k.target_id <> m.id
          and k.created_at > @forgotten
        """;

    public IReadOnlyList<string> Inserts(bool keyed, bool rare) =>
    [
        .. keyed ? [StoreKeys] : Array.Empty<string>(),
        $"""
        insert into messages (
            org_id, chat_id, seq, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model,
            created_at{(rare ? Rare : "")})
        select l.org_id, m.chat_id, m.seq, m.id, m.role, m.content, m.metadata, m.latency_ms, m.token_count, m.prompt_tokens,
               m.completion_tokens, m.model, m.created_at{(rare ? ", m.parts, m.tool_calls, m.tool_call_id, m.name" : "")}
        from organization_log l
        cross join unnest(
            @parent_id, @seq, @id, @role, @content, @metadata, @latency_ms, @token_count, @prompt_tokens, @completion_tokens, @model,
            @created_at{(rare ? ", @parts, @tool_calls, @tool_call_id, @name" : "")}) as m(
            chat_id, seq, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model, created_at
            {(rare ? Rare : "")})
        where l.org_id = @one_org_id
        """,
    ];

    private const string StoreKeys =
        $"""
        {BulkInsertKeys.Insert}
        select l.org_id, @route, m.chat_id, m.key, m.body_sha256, m.id, @now
        from organization_log l
        cross join unnest(@parent_id, @id, @key, @body_sha256) as m(chat_id, id, key, body_sha256)
        where l.org_id = @one_org_id
          and m.key is not null
        {BulkInsertKeys.OnConflict}
        """;

    public BulkInsertColumns<NewMessage> Columns { get; } = new BulkInsertColumns<NewMessage>()
        .Add("id", NpgsqlDbType.Uuid, write => write.Message.Id)
        .Add("role", NpgsqlDbType.Text, write => write.Message.Role)
        .Add("content", NpgsqlDbType.Text, write => write.Message.Content ?? "")
        .Add("metadata", NpgsqlDbType.Json, write => write.Message.Metadata.Utf8)
        .Add("latency_ms", NpgsqlDbType.Integer, write => write.Message.LatencyMs)
        .Add("token_count", NpgsqlDbType.Integer, write => write.Message.TokenCount)
        .Add("prompt_tokens", NpgsqlDbType.Integer, write => write.Message.PromptTokens)
        .Add("completion_tokens", NpgsqlDbType.Integer, write => write.Message.CompletionTokens)
        .Add("model", NpgsqlDbType.Text, write => write.Message.Model)
        .Add("created_at", NpgsqlDbType.TimestampTz, write => write.Message.CreatedAt.UtcDateTime)
        .Add("parts", NpgsqlDbType.Json, write => write.Message.Parts?.Utf8)
        .Add("tool_calls", NpgsqlDbType.Json, write => write.Message.ToolCalls?.Utf8)
        .Add("tool_call_id", NpgsqlDbType.Text, write => write.Message.ToolCallId)
        .Add("name", NpgsqlDbType.Text, write => write.Message.Name)
        .Add("run_key", NpgsqlDbType.Text, write => write.Run?.Key)
        .Add("run_id", NpgsqlDbType.Uuid, write => write.Run?.Id);

    public bool HasRareColumns(NewMessage write) => write.Message is not { Parts: null, ToolCalls: null, ToolCallId: null, Name: null };

    /// <summary>After the chats.</summary>
    public int Order => 1;

    // Selects each chat once by organization and id, which is the tenant check; one by one, whatever the planner believes of the table. A
    // chat that is deleted at the same time is deleted before or after this transaction, which holds the log of its organization.
    public string Text(bool keyed, bool rare) =>
        $"""
        with chat as materialized (
            select k.no, c.org_id, c.id
            from unnest(@parent_org_ids, @parent_ids) with ordinality as k(org_id, id, no)
            cross join lateral (
                select c.org_id, c.id
                from chats c
                where c.org_id = k.org_id
                  and c.id = k.id
                  and c.deleted_at is null
                offset 0
            ) c
            where k.org_id = any({BulkInsertLog.Locked})
        ){(keyed ? InsertKeys : "")}, message as (
            insert into messages (
                org_id, chat_id, seq, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model,
                created_at{(rare ? ", parts, tool_calls, tool_call_id, name" : "")})
            select c.org_id, c.id, m.seq, m.id, m.role, m.content, m.metadata, m.latency_ms, m.token_count, m.prompt_tokens,
                   m.completion_tokens, m.model, m.created_at{(rare ? ", m.parts, m.tool_calls, m.tool_call_id, m.name" : "")}
            from unnest(
                @parent_no, {BulkInsertLog.Numbers}, @id, @role, @content, @metadata, @latency_ms, @token_count, @prompt_tokens,
                @completion_tokens, @model, @created_at{(rare ? ", @parts, @tool_calls, @tool_call_id, @name" : "")}) with ordinality as m(
                chat, seq, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model, created_at
                {(rare ? ", parts, tool_calls, tool_call_id, name" : "")}, no)
            join chat c on c.no = m.chat
            {(keyed ? OnlyNewKeys : "")}
        )
        select '{nameof(WriteStatus.NotFound)}', m.no::int
        from unnest(@parent_no) with ordinality as m(chat, no)
        where not exists (select from chat c where c.no = m.chat)
        {(keyed ? DuplicateKeys : "")}
        """;
}
