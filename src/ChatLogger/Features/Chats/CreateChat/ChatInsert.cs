using System.Text;
using ChatLogger.Ingest;
using NpgsqlTypes;

namespace ChatLogger.Features;

/// <summary>The bulk insert of chats, of many organizations in one statement.</summary>
internal sealed class ChatInsert : IBulkInsertSql<NewChat>
{
    // An expired entry is overwritten, whether or not the cleanup has seen it.
    private const string InsertKeys =
        $"""
        , key as (
            {BulkInsertKeys.Insert}
            select c.org_id, @route, '00000000-0000-0000-0000-000000000000', k.key, k.body_sha256, c.id, @now
            from chat c
            join unnest(@key, @body_sha256) with ordinality as k(key, body_sha256, no) on k.no = c.no
            where k.key is not null
            {BulkInsertKeys.OnConflict}
            returning target_id
        )
        """;

    private const string OnlyNewKeys =
        """
            join unnest(@key) with ordinality as k(key, no) on k.no = c.no
            where k.key is null or c.id in (select target_id from key)
        """;

    private const string DuplicateKeys =
        $"""
        union all
        select '{nameof(WriteStatus.DuplicateKey)}', c.no::int
        from chat c
        join unnest(@key) with ordinality as k(key, no) on k.no = c.no
        where k.key is not null
          and c.id not in (select target_id from key)
        """;

    public IReadOnlyList<string> Checks(bool keyed, bool rare) =>
    [
        .. rare ? [TakenExternalIds] : Array.Empty<string>(),
        $"""
        select '{nameof(WriteStatus.NotFound)}', n.no::int
        from unnest(@user_id) with ordinality as n(id, no)
        where n.id is not null
          and not exists (select from users u where u.org_id = @one_org_id and u.id = n.id and u.removed_at is null)
        """,
        .. keyed ? [KnownKeys] : Array.Empty<string>(),
        .. keyed || rare ? [Gone] : Array.Empty<string>(),
    ];

    private const string Gone =
        $"""
        select '{nameof(WriteStatus.Gone)}', n.no::int
        from unnest(@conversation_hmac, @key_hmac) with ordinality as n(conversation_hmac, key_hmac, no)
        where exists (
            select
            from tombstones t
            where t.org_id = @one_org_id
              and t.hmac in (n.conversation_hmac, n.key_hmac)
              and t.expires_at > @now
        )
        """;

    private const string TakenExternalIds =
        $"""
        select '{nameof(WriteStatus.AlreadyExists)}', n.no::int
        from (
            select u.no, u.external_id, row_number() over (partition by u.external_id order by u.no) > 1 as is_repeated
            from unnest(@external_id) with ordinality as u(external_id, no)
            where u.external_id is not null
        ) n
        where n.is_repeated
           or exists (
               select
               from chats e
               where e.org_id = @one_org_id
                 and e.external_id = n.external_id
                 and e.deleted_at is null
           )
        """;

    private const string KnownKeys =
        $"""
        select '{nameof(WriteStatus.DuplicateKey)}', n.no::int
        from unnest(@key) with ordinality as n(key, no)
        join idempotency_keys k on k.org_id = @one_org_id and k.route = @route
            and k.parent_id = '00000000-0000-0000-0000-000000000000' and k.key = n.key
        where k.created_at > @forgotten
        """;

    public IReadOnlyList<string> Inserts(bool keyed, bool rare) =>
    [
        .. keyed ? [StoreKeys] : Array.Empty<string>(),
        $"""
        insert into chats (
            org_id, id, seq, external_id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
        select l.org_id, n.id, n.seq, {(rare ? "n.external_id" : "null")}, n.title, n.tags::text[], n.metadata, n.user_id,
               n.external_user_id, n.created_at, n.created_at
        from organization_log l
        cross join unnest(
            @id, @seq, @title, @tags, @metadata, @user_id, @external_user_id, @created_at{(rare ? ", @external_id" : "")}) as n(
            id, seq, title, tags, metadata, user_id, external_user_id, created_at{(rare ? ", external_id" : "")})
        where l.org_id = @one_org_id
        """,
    ];

    private const string StoreKeys =
        $"""
        {BulkInsertKeys.Insert}
        select l.org_id, @route, '00000000-0000-0000-0000-000000000000', n.key, n.body_sha256, n.id, @now
        from organization_log l
        cross join unnest(@id, @key, @body_sha256) as n(id, key, body_sha256)
        where l.org_id = @one_org_id
          and n.key is not null
        {BulkInsertKeys.OnConflict}
        """;

    public BulkInsertColumns<NewChat> Columns { get; } = new BulkInsertColumns<NewChat>()
        .Add("org_id", NpgsqlDbType.Uuid, write => write.OrgId)
        .Add("id", NpgsqlDbType.Uuid, write => write.Chat.Id)
        .Add("external_id", NpgsqlDbType.Text, write => write.Chat.ExternalId)
        .Add("title", NpgsqlDbType.Text, write => write.Chat.Title)
        .Add("tags", NpgsqlDbType.Text, write => ArrayText(write.Chat.Tags))
        .Add("metadata", NpgsqlDbType.Json, write => write.Chat.Metadata.Utf8)
        .Add("user_id", NpgsqlDbType.Uuid, write => write.Chat.UserId)
        .Add("external_user_id", NpgsqlDbType.Text, write => write.Chat.ExternalUserId)
        .Add("created_at", NpgsqlDbType.TimestampTz, write => write.Chat.CreatedAt.UtcDateTime)
        .Add("conversation_hmac", NpgsqlDbType.Bytea, write => write.ConversationHmac)
        .Add("key_hmac", NpgsqlDbType.Bytea, write => write.KeyHmac);

    /// <summary>Before the messages, which may belong to them.</summary>
    public int Order => 0;

    public bool HasRareColumns(NewChat write) => write.Chat.ExternalId is not null;

    // Chats with an external id. Of two in the same statement the first is inserted.
    private const string WithExternalIds =
        """
        , identity as materialized (
            select n.no, n.org_id, n.external_id,
                   row_number() over (partition by n.org_id, n.external_id order by n.no) > 1
                   or exists (
                       select
                       from chats e
                       where e.org_id = n.org_id
                         and e.external_id = n.external_id
                         and e.deleted_at is null
                   ) as is_taken
            from unnest(@org_id, @external_id) with ordinality as n(org_id, external_id, no)
            where n.external_id is not null
        )
        """;

    // Conversations that do not come back, and Idempotency-Keys of chats that are gone. Chats with neither do not ask.
    private const string Tombs =
        """
        , tomb as materialized (
            select n.no
            from unnest(@org_id, @conversation_hmac, @key_hmac) with ordinality as n(org_id, conversation_hmac, key_hmac, no)
            where exists (
                select
                from tombstones t
                where t.org_id = n.org_id
                  and t.hmac in (n.conversation_hmac, n.key_hmac)
                  and t.expires_at > @now
            )
        )
        """;

    // A chat can only be attributed to a member of its own organization; otherwise no row is inserted. The parent of a chat is its member;
    // one with an empty id is of no member and finds none.
    public string Text(bool keyed, bool rare) =>
        $"""
        with member as materialized (
            select u.org_id, u.id
            from unnest(@parent_org_ids, @parent_ids) as k(org_id, id)
            join users u on u.org_id = k.org_id and u.id = k.id
            where u.removed_at is null
        ){(rare ? WithExternalIds : "")}{(keyed || rare ? Tombs : "")}, chat as materialized (
            select n.no, n.org_id, n.id, n.seq, {(rare ? "i.external_id" : "null::text as external_id")}, n.title, n.tags, n.metadata,
                   n.user_id, n.external_user_id, n.created_at
            from unnest(
                @org_id, @id, {BulkInsertLog.Numbers}, @title, @tags, @metadata, @user_id, @external_user_id, @created_at)
                with ordinality as n(org_id, id, seq, title, tags, metadata, user_id, external_user_id, created_at, no)
            left join member u on u.org_id = n.org_id and u.id = n.user_id
            {(rare ? "left join identity i on i.no = n.no" : "")}
            where n.org_id = any({BulkInsertLog.Locked})
              and (n.user_id is null or u.id is not null)
              {(rare ? "and i.is_taken is not true" : "")}
              {(keyed || rare ? "and n.no not in (select no from tomb)" : "")}
        ){(keyed ? InsertKeys : "")}, opened as (
            insert into chats (
                org_id, id, seq, external_id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
            select c.org_id, c.id, c.seq, c.external_id, c.title, c.tags::text[], c.metadata, c.user_id, c.external_user_id, c.created_at,
                   c.created_at
            from chat c
            {(keyed ? OnlyNewKeys : "")}
        )
        select {(rare, keyed) switch
        {
            (true, _) => $"case when i.is_taken then '{nameof(WriteStatus.AlreadyExists)}' {IfGone}",
            (false, true) => $"case {IfGone}",
            _ => $"'{nameof(WriteStatus.NotFound)}'",
        }}, n.no::int
        from unnest(@org_id) with ordinality as n(org_id, no)
        {(rare ? "left join identity i on i.no = n.no" : "")}
        {(keyed || rare ? "left join tomb g on g.no = n.no" : "")}
        where not exists (select from chat c where c.no = n.no)
        {(keyed ? DuplicateKeys : "")}
        """;

    private const string IfGone =
        $"when g.no is not null then '{nameof(WriteStatus.Gone)}' else '{nameof(WriteStatus.NotFound)}' end";

    // PostgreSQL has no arrays of arrays of different lengths, so the tags of each chat are passed as the text of an array, with every tag
    // quoted.
    private static string ArrayText(string[] tags)
    {
        if (tags.Length == 0)
            return "{}";
        var text = new StringBuilder("{");
        foreach (var tag in tags)
        {
            text.Append(text.Length == 1 ? "\"" : ",\"");
            foreach (var unit in tag)
            {
                if (unit is '"' or '\\')
                    text.Append('\\');
                text.Append(unit);
            }
            text.Append('"');
        }
        return text.Append('}').ToString();
    }
}
