using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Features;

/// <summary>The bulk insert of messages, of many chats and organizations in one statement.</summary>
internal sealed class MessageInsert(
    NpgsqlDataSource db, IngestSettings settings, TimeProvider time, ChangeLog changeLog, string route = MessageInsert.Route)
    : IBulkInsert<NewMessage>
{
    /// <summary>The route that Idempotency-Keys of single messages are stored under.</summary>
    public const string Route = "messages";

    private const int ChatLocked = 2, DuplicateKeySql = 3;

    // Selects each chat once by organization and id, which is the tenant check, and locks it until the commit, which preserves the order of
    // its messages (see 0002). A chat that another transaction has locked is skipped; otherwise the whole batch would wait for it.
    private const string Chats =
        """
        with chat as materialized (
            select k.no, c.org_id, c.id
            from unnest($1, $2) with ordinality as k(org_id, id, no)
            join chats c on c.org_id = k.org_id and c.id = k.id
            where c.deleted_at is null
            for no key update of c
        """;

    // An expired entry is overwritten, whether or not the cleanup has seen it.
    private const string Keys =
        """
        ), key as (
            insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at)
            select c.org_id, $18, c.id, m.key, m.body_sha256, m.id, $16
            from unnest($3, $4, $14, $15) as m(chat, id, key, body_sha256)
            join chat c on c.no = m.chat
            where m.key is not null
            on conflict (org_id, route, parent_id, key) do update
            set body_sha256 = excluded.body_sha256, target_id = excluded.target_id, created_at = excluded.created_at
            where known.created_at <= $17
            returning target_id
        """;

    // The sort (order by in Exceptions) makes PostgreSQL lock every chat before it draws the first sequence number. So the transaction has
    // its id before that, as ChangeLog requires, and the numbers of a chat are drawn in the order in which its messages were queued.
    private const string Messages =
        """
        ), message as (
            insert into messages (
                org_id, chat_id, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model, created_at)
            select c.org_id, c.id, m.id, m.role, m.content, m.metadata, m.latency_ms, m.token_count, m.prompt_tokens, m.completion_tokens,
                   m.model, m.created_at
            from unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) with ordinality as m(
                chat, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model, created_at, no)
            join chat c on c.no = m.chat
        """;

    private const string OnlyNewOnes =
        """
            join unnest($14) with ordinality as k(key, no) on k.no = m.no
            where k.key is null or m.id in (select target_id from key)
        """;

    private const string Exceptions =
        """
            order by m.chat, m.no
        )
        select case when exists (select from chats c where c.org_id = k.org_id and c.id = k.id and c.deleted_at is null) then 2 else 1 end, k.no::int
        from unnest($1, $2) with ordinality as k(org_id, id, no)
        where not exists (select from chat c where c.no = k.no)
        """;

    private const string KnownOnes =
        """
        union all
        select 3, m.no::int
        from unnest($3, $4, $14) with ordinality as m(chat, id, key, no)
        join chat c on c.no = m.chat
        where m.key is not null
          and m.id not in (select target_id from key)
        """;

    private const string Skip = " skip locked";

    private const string Plain = $"{Chats}\n{Messages}\n{Exceptions}";
    private const string Keyed = $"{Chats}\n{Keys}\n{Messages}\n{OnlyNewOnes}\n{Exceptions}\n{KnownOnes}";
    private const string PlainSkipping = $"{Chats}{Skip}\n{Messages}\n{Exceptions}";
    private const string KeyedSkipping = $"{Chats}{Skip}\n{Keys}\n{Messages}\n{OnlyNewOnes}\n{Exceptions}\n{KnownOnes}";

    public async Task<WriteStatus[]> Run(IReadOnlyList<NewMessage> writes, bool wait)
    {
        var rows = new Columns(writes);
        var keyed = writes.Any(write => write.IdempotencyKey is not null);
        var statuses = new WriteStatus[writes.Count];
        await BulkInsertStatement.Run(
            db, settings.SessionSetupSql,
            (keyed, wait) switch
            {
                (false, false) => PlainSkipping,
                (false, true) => Plain,
                (true, false) => KeyedSkipping,
                (true, true) => Keyed,
            },
            keyed ? [.. rows.Parameters(), .. KeyColumns(writes)] : rows.Parameters(),
            (kind, no) =>
            {
                if (kind == DuplicateKeySql)
                    statuses[no - 1] = WriteStatus.DuplicateKey;
                else
                    rows.EachOf(no, i => statuses[i] = kind == ChatLocked ? WriteStatus.Locked : WriteStatus.NotFound);
            });
        foreach (var orgId in writes.Select(write => write.OrgId).Distinct())
            changeLog.Record(orgId);
        return statuses;
    }

    private NpgsqlParameter[] KeyColumns(IReadOnlyList<NewMessage> writes)
    {
        var now = time.GetUtcNow();
        return
        [
            BulkInsertStatement.Column(NpgsqlDbType.Text, writes.Select(write => write.IdempotencyKey?.Key).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Bytea, writes.Select(write => write.IdempotencyKey?.BodySha256).ToArray()),
            BulkInsertStatement.Instant(now),
            BulkInsertStatement.Instant(now - settings.KeyRetention),
            BulkInsertStatement.Text(route),
        ];
    }

    private sealed class Columns
    {
        private readonly Guid[] _orgs;
        private readonly Guid[] _chats;
        private readonly int[] _chat;
        private readonly Guid[] _id;
        private readonly string[] _role;
        private readonly string[] _content;
        private readonly ReadOnlyMemory<byte>[] _metadata;
        private readonly int?[] _latencyMs;
        private readonly int?[] _tokenCount;
        private readonly int?[] _promptTokens;
        private readonly int?[] _completionTokens;
        private readonly string?[] _model;
        private readonly DateTime[] _createdAt;

        public Columns(IReadOnlyList<NewMessage> writes)
        {
            var places = new Dictionary<LockKey, int>(writes.Count);
            (_chat, _id, _role, _content, _metadata) = (
                new int[writes.Count],
                new Guid[writes.Count],
                new string[writes.Count],
                new string[writes.Count],
                new ReadOnlyMemory<byte>[writes.Count]);
            (_latencyMs, _tokenCount, _promptTokens, _completionTokens) = (
                new int?[writes.Count],
                new int?[writes.Count],
                new int?[writes.Count],
                new int?[writes.Count]);
            (_model, _createdAt) = (new string?[writes.Count], new DateTime[writes.Count]);
            for (var i = 0; i < writes.Count; i++)
            {
                var message = writes[i].Message;
                if (!places.TryGetValue(writes[i].LockKey, out _chat[i]))
                    places.Add(writes[i].LockKey, _chat[i] = places.Count + 1);
                _id[i] = message.Id;
                _role[i] = message.Role;
                _content[i] = message.Content;
                _metadata[i] = message.Metadata.Utf8;
                _latencyMs[i] = message.LatencyMs;
                _tokenCount[i] = message.TokenCount;
                _promptTokens[i] = message.PromptTokens;
                _completionTokens[i] = message.CompletionTokens;
                _model[i] = message.Model;
                _createdAt[i] = message.CreatedAt.UtcDateTime;
            }
            (_orgs, _chats) = (new Guid[places.Count], new Guid[places.Count]);
            foreach (var (place, no) in places)
                (_orgs[no - 1], _chats[no - 1]) = (place.OrgId, place.Id);
        }

        public NpgsqlParameter[] Parameters() =>
        [
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, _orgs),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, _chats),
            BulkInsertStatement.Column(NpgsqlDbType.Integer, _chat),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, _id),
            BulkInsertStatement.Column(NpgsqlDbType.Text, _role),
            BulkInsertStatement.Column(NpgsqlDbType.Text, _content),
            BulkInsertStatement.Column(NpgsqlDbType.Json, _metadata),
            BulkInsertStatement.Column(NpgsqlDbType.Integer, _latencyMs),
            BulkInsertStatement.Column(NpgsqlDbType.Integer, _tokenCount),
            BulkInsertStatement.Column(NpgsqlDbType.Integer, _promptTokens),
            BulkInsertStatement.Column(NpgsqlDbType.Integer, _completionTokens),
            BulkInsertStatement.Column(NpgsqlDbType.Text, _model),
            BulkInsertStatement.Column(NpgsqlDbType.TimestampTz, _createdAt),
        ];

        /// <summary>Calls <paramref name="row"/> for each row of a chat, given the number of the chat.</summary>
        public void EachOf(int chat, Action<int> row)
        {
            for (var i = 0; i < _chat.Length; i++)
            {
                if (_chat[i] == chat)
                    row(i);
            }
        }
    }
}
