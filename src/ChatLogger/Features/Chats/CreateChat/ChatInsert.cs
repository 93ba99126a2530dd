using System.Text;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Features;

/// <summary>The bulk insert of chats, of many organizations in one statement.</summary>
internal sealed class ChatInsert(
    NpgsqlDataSource db,
    IngestSettings settings,
    TimeProvider time,
    ChangeLog changeLog,
    string route = ChatInsert.Route
) : IBulkInsert<NewChat>
{
    /// <summary>The route that Idempotency-Keys of single chats are stored under.</summary>
    public const string Route = "chats";

    private const int MemberUnknown = 1, OwnerLocked = 2, KeyKnown = 3;

    // Takes the locks of the foreign key checks (key share) in advance, so that a row that another transaction has locked can be skipped. A
    // foreign key check cannot skip it: there the whole batch would wait.
    private const string Organizations =
        """
        with organization as materialized (
            select o.id
            from unnest($1) as k(id)
            join organizations o on o.id = k.id
            for key share of o
        """;

    private const string Members =
        """
        ), member as materialized (
            select u.org_id, u.id
            from unnest($2, $3) as k(org_id, id)
            join users u on u.org_id = k.org_id and u.id = k.id
            where u.removed_at is null
            for key share of u
        """;

    // A chat can only be attributed to a member of its own organization; otherwise no row is inserted.
    private const string Chats =
        """
        ), chat as materialized (
            select n.no, n.org_id, n.id, n.title, n.tags, n.metadata, n.user_id, n.external_user_id, n.created_at
            from unnest($4, $5, $6, $7, $8, $9, $10, $11) with ordinality as n(
                org_id, id, title, tags, metadata, user_id, external_user_id, created_at, no)
            join organization o on o.id = n.org_id
            left join member u on u.org_id = n.org_id and u.id = n.user_id
            where n.user_id is null or u.id is not null
        """;

    // Keys are inserted in a global order, so that two instances that insert the same keys cannot deadlock. An expired entry is
    // overwritten, whether or not the cleanup has seen it.
    private const string Keys =
        """
        ), key as (
            insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at)
            select c.org_id, $16, '00000000-0000-0000-0000-000000000000', k.key, k.body_sha256, c.id, $14
            from chat c
            join unnest($12, $13) with ordinality as k(key, body_sha256, no) on k.no = c.no
            where k.key is not null
            order by c.org_id, k.key collate "C"
            on conflict (org_id, route, parent_id, key) do update
            set body_sha256 = excluded.body_sha256, target_id = excluded.target_id, created_at = excluded.created_at
            where known.created_at <= $15
            returning target_id
        """;

    // Every row joins a locked organization, so the transaction has its id before the first sequence number (the default of seq) is drawn,
    // as ChangeLog requires.
    private const string Opened =
        """
        ), opened as (
            insert into chats (org_id, id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
            select c.org_id, c.id, c.title, c.tags::text[], c.metadata, c.user_id, c.external_user_id, c.created_at, c.created_at
            from chat c
        """;

    private const string OnlyNewOnes =
        """
            join unnest($12) with ordinality as k(key, no) on k.no = c.no
            where k.key is null or c.id in (select target_id from key)
        """;

    // A missing organization always means a locked one, because it is the caller's own.
    private const string Exceptions =
        """
        )
        select case
                   when n.user_id is null
                     or exists (select from users u where u.org_id = n.org_id and u.id = n.user_id and u.removed_at is null) then 2
                   else 1
               end,
               n.no::int
        from unnest($4, $9) with ordinality as n(org_id, user_id, no)
        where not exists (select from chat c where c.no = n.no)
        """;

    private const string KnownOnes =
        """
        union all
        select 3, c.no::int
        from chat c
        join unnest($12) with ordinality as k(key, no) on k.no = c.no
        where k.key is not null
          and c.id not in (select target_id from key)
        """;

    private const string Skip = " skip locked";

    private const string Plain = $"{Organizations}\n{Members}\n{Chats}\n{Opened}\n{Exceptions}";
    private const string Keyed = $"{Organizations}\n{Members}\n{Chats}\n{Keys}\n{Opened}\n{OnlyNewOnes}\n{Exceptions}\n{KnownOnes}";
    private const string PlainSkipping = $"{Organizations}{Skip}\n{Members}{Skip}\n{Chats}\n{Opened}\n{Exceptions}";
    private const string KeyedSkipping =
        $"{Organizations}{Skip}\n{Members}{Skip}\n{Chats}\n{Keys}\n{Opened}\n{OnlyNewOnes}\n{Exceptions}\n{KnownOnes}";

    public async Task<WriteStatus[]> Run(IReadOnlyList<NewChat> writes, bool wait)
    {
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
            keyed ? [.. Columns(writes), .. KeyColumns(writes)] : Columns(writes),
            (kind, no) => statuses[no - 1] = kind switch
            {
                KeyKnown => WriteStatus.DuplicateKey,
                OwnerLocked => WriteStatus.Locked,
                MemberUnknown => WriteStatus.NotFound,
                _ => throw new InvalidOperationException($"There is no exception {kind}."),
            });
        foreach (var orgId in writes.Select(write => write.OrgId).Distinct())
            changeLog.Record(orgId);
        return statuses;
    }

    private static NpgsqlParameter[] Columns(IReadOnlyList<NewChat> writes)
    {
        var members = writes.Where(write => write.Chat.UserId is not null).Select(write => write.LockKey).Distinct().ToArray();
        return
        [
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, writes.Select(write => write.OrgId).Distinct().ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, Array.ConvertAll(members, member => member.OrgId)),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, Array.ConvertAll(members, member => member.Id)),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, writes.Select(write => write.OrgId).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, writes.Select(write => write.Chat.Id).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Text, writes.Select(write => write.Chat.Title).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Text, writes.Select(write => ArrayText(write.Chat.Tags)).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Json, writes.Select(write => write.Chat.Metadata.Utf8).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Uuid, writes.Select(write => write.Chat.UserId).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.Text, writes.Select(write => write.Chat.ExternalUserId).ToArray()),
            BulkInsertStatement.Column(NpgsqlDbType.TimestampTz, writes.Select(write => write.Chat.CreatedAt.UtcDateTime).ToArray()),
        ];
    }

    private NpgsqlParameter[] KeyColumns(IReadOnlyList<NewChat> writes)
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
