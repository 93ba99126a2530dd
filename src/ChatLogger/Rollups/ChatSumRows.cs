using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Rollups;

/// <summary>Reads and writes the stored sums of chats of an organization, while holding the lock of the rollup offset.</summary>
internal static partial class ChatSumRows
{
    private const string Names =
        """
        chat_id, created_at, member, end_user, tags, models, messages, first_at, last_at, first_assistant_at, feedback_up, feedback_down
        """;

    private const string Columns =
        """
        s.chat_id, s.created_at, s.member, s.end_user, s.tags, s.models, s.messages, s.first_at, s.last_at, s.first_assistant_at,
        s.feedback_up, s.feedback_down
        """;

    public static async Task<Dictionary<Guid, ChatSum>> Read(Sql.Transaction transaction, Guid orgId, Guid[] chats) =>
        (await transaction.QueryAsync<SumRow>(
            $"""
            select {Columns}
            from unnest(@Chats) as k(id)
            cross join lateral (
                select {Names}
                from chat_sums
                where org_id = @OrgId
                  and chat_id >= k.id
                  and chat_id <= k.id
                order by chat_id
                limit 1
            ) s
            """,
            new { OrgId = orgId, Chats = chats }))
        .ToDictionary(row => row.ChatId, row => row.ToSum());

    /// <summary>All quarters of chats.</summary>
    public static Task<IReadOnlyList<QuarterRow>> ReadQuarters(Sql.Transaction transaction, Guid orgId, Guid[] chats) =>
        transaction.QueryAsync<QuarterRow>(
            """
            select k.id as chat_id, q.start, q.counts
            from unnest(@Chats) as k(id)
            cross join lateral (
                select start, counts
                from chat_quarters
                where org_id = @OrgId
                  and chat_id >= k.id
                  and chat_id <= k.id
                order by chat_id
                offset 0
            ) q
            """,
            new { OrgId = orgId, Chats = chats });

    /// <summary>Single quarters of chats.</summary>
    public static Task<IReadOnlyList<QuarterRow>> ReadQuarters(
        Sql.Transaction transaction, Guid orgId, IReadOnlyCollection<(Guid ChatId, long Start)> quarters) =>
        transaction.QueryAsync<QuarterRow>(
            """
            select k.chat_id, k.start, q.counts
            from unnest(@Chats, @Starts) as k(chat_id, start)
            cross join lateral (
                select counts
                from chat_quarters
                where org_id = @OrgId
                  and (chat_id, start) >= (k.chat_id, k.start)
                  and (chat_id, start) <= (k.chat_id, k.start)
                order by chat_id
                limit 1
            ) q
            """,
            new
            {
                OrgId = orgId,
                Chats = quarters.Select(quarter => quarter.ChatId).ToArray(),
                Starts = quarters.Select(quarter => TimeBuckets.Instant(quarter.Start)).ToArray(),
            });

    public static async Task Write(Sql.Transaction transaction, Guid orgId, IReadOnlyList<ChatSum> sums)
    {
        if (sums.Count == 0)
            return;
        await using var write = new NpgsqlCommand(
            """
            insert into chat_sums (
                org_id, chat_id, created_at, member, end_user, tags, models, messages, first_at, last_at, first_assistant_at, feedback_up,
                feedback_down)
            select $1, s.chat_id, s.created_at, s.member, s.end_user, s.tags::int[], s.models::int[], s.messages, s.first_at, s.last_at,
                   s.first_assistant_at, s.feedback_up, s.feedback_down
            from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) as s(
                chat_id, created_at, member, end_user, tags, models, messages, first_at, last_at, first_assistant_at, feedback_up,
                feedback_down)
            on conflict (org_id, chat_id) do update
            set tags = excluded.tags, models = excluded.models, messages = excluded.messages, first_at = excluded.first_at,
                last_at = excluded.last_at, first_assistant_at = excluded.first_assistant_at, feedback_up = excluded.feedback_up,
                feedback_down = excluded.feedback_down
            """,
            transaction.Connection,
            transaction.Inner);
        write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = orgId });
        Add(NpgsqlDbType.Uuid, sum => sum.ChatId);
        Add(NpgsqlDbType.TimestampTz, sum => TimeBuckets.Instant(sum.CreatedAt));
        Add(NpgsqlDbType.Integer, sum => sum.Person.Member);
        Add(NpgsqlDbType.Integer, sum => sum.Person.EndUser);
        // PostgreSQL has no arrays of arrays of different lengths.
        Add(NpgsqlDbType.Text, sum => $"{{{string.Join(',', sum.Tags)}}}");
        Add(NpgsqlDbType.Text, sum => $"{{{string.Join(',', sum.Models)}}}");
        Add(NpgsqlDbType.Bigint, sum => sum.Messages);
        Add(NpgsqlDbType.TimestampTz, sum => Instant(sum.FirstAt));
        Add(NpgsqlDbType.TimestampTz, sum => Instant(sum.LastAt));
        Add(NpgsqlDbType.TimestampTz, sum => Instant(sum.FirstAssistantAt));
        Add(NpgsqlDbType.Bigint, sum => sum.FeedbackUp);
        Add(NpgsqlDbType.Bigint, sum => sum.FeedbackDown);
        await write.ExecuteNonQueryAsync(transaction.Ct);

        void Add<T>(NpgsqlDbType type, Func<ChatSum, T> value) =>
            write.Parameters.Add(ArrayParameter.Of(type, sums.Select(value).ToArray()));
        static DateTime? Instant(long? at) => at is { } time ? TimeBuckets.Instant(time) : null;
    }

    /// <summary>Replaces stored quarters; deletes the empty ones.</summary>
    public static async Task Write(
        Sql.Transaction transaction, Guid orgId, IReadOnlyCollection<KeyValuePair<(Guid ChatId, long Start), ChatQuarter>> quarters)
    {
        var gone = quarters.Where(each => each.Value.IsEmpty).Select(each => each.Key).ToList();
        if (gone.Count > 0)
            await transaction.ExecuteAsync(
                """
                delete from chat_quarters q
                using unnest(@Chats, @Starts) as k(chat_id, start)
                where q.org_id = @OrgId
                  and q.chat_id = k.chat_id
                  and q.start = k.start
                """,
                new
                {
                    OrgId = orgId,
                    Chats = gone.Select(quarter => quarter.ChatId).ToArray(),
                    Starts = gone.Select(quarter => TimeBuckets.Instant(quarter.Start)).ToArray(),
                });
        var kept = quarters.Where(each => !each.Value.IsEmpty).ToList();
        if (kept.Count == 0)
            return;
        await using var write = new NpgsqlCommand(
            """
            insert into chat_quarters (org_id, chat_id, start, counts)
            select $1, q.chat_id, q.start, q.counts
            from unnest($2, $3, $4) as q(chat_id, start, counts)
            on conflict (org_id, chat_id, start) do update
            set counts = excluded.counts
            """,
            transaction.Connection,
            transaction.Inner);
        write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = orgId });
        write.Parameters.Add(ArrayParameter.Of(NpgsqlDbType.Uuid, kept.Select(each => each.Key.ChatId).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.TimestampTz, kept.Select(each => TimeBuckets.Instant(each.Key.Start)).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value, each.Key.Start)).ToArray()));
        await write.ExecuteNonQueryAsync(transaction.Ct);
    }

    /// <summary>Deletes the sums of chats, with their quarters.</summary>
    public static async Task Delete(Sql.Transaction transaction, Guid orgId, Guid[] chats)
    {
        var which = new { OrgId = orgId, Chats = chats };
        await transaction.ExecuteAsync("delete from chat_quarters where org_id = @OrgId and chat_id = any(@Chats)", which);
        await transaction.ExecuteAsync("delete from chat_sums where org_id = @OrgId and chat_id = any(@Chats)", which);
    }

    internal record SumRow
    {
        public Guid ChatId { get; init; }

        public DateTime CreatedAt { get; init; }

        public int Member { get; init; }

        public int EndUser { get; init; }

        public int[] Tags { get; init; } = [];

        public int[] Models { get; init; } = [];

        public long Messages { get; init; }

        public DateTime? FirstAt { get; init; }

        public DateTime? LastAt { get; init; }

        public DateTime? FirstAssistantAt { get; init; }

        public long FeedbackUp { get; init; }

        public long FeedbackDown { get; init; }

        public ChatSum ToSum() => new(ChatId, TimeBuckets.Milliseconds(CreatedAt), new(Member, EndUser))
        {
            Tags = Tags,
            Models = Models,
            Messages = Messages,
            FirstAt = At(FirstAt),
            LastAt = At(LastAt),
            FirstAssistantAt = At(FirstAssistantAt),
            FeedbackUp = FeedbackUp,
            FeedbackDown = FeedbackDown,
        };

        private static long? At(DateTime? time) => time is { } at ? TimeBuckets.Milliseconds(at) : null;
    }

    internal sealed record QuarterRow(Guid ChatId, DateTime Start, byte[] Counts)
    {
        public long StartMs => TimeBuckets.Milliseconds(Start);

        public ChatQuarter ToQuarter() => RollupCodec.Quarter(Counts, StartMs);
    }

    private sealed record SumAndQuarterRow : SumRow
    {
        public DateTime Start { get; init; }

        public byte[] Counts { get; init; } = [];

        public ChatQuarter ToQuarter() => RollupCodec.Quarter(Counts, TimeBuckets.Milliseconds(Start));
    }
}
