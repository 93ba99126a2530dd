using System.Globalization;
using ChatLogger.Data;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>Statistics of the chats that were created in a range, in total and by local day.</summary>
internal sealed record ConversationDays(Conversations.Totals Totals, IReadOnlyList<Conversations.DayCount> Days)
{
    // Aggregates the messages of each chat first, then the chats by day and over all days (day null). percentile_disc uses the nearest
    // rank.
    private const string Chats =
        """
        with talk as (
            select c.id, c.created_at, count(m.id) as messages, max(m.created_at) - min(m.created_at) as duration,
                   min(m.created_at) filter (where m.role = 'assistant') - c.created_at as first_assistant
            from chats c
            left join messages m on m.org_id = c.org_id and m.chat_id = c.id
            where c.org_id = @OrgId
              and c.created_at >= @From
              and c.created_at < @To
              and c.deleted_at is null
              and c.tags @> @Tag
            group by c.id, c.created_at
        ), rated as (
            select f.chat_id, count(*) filter (where f.rating = 'up') as up, count(*) filter (where f.rating = 'down') as down
            from feedback f
            join chats c on c.org_id = f.org_id and c.id = f.chat_id
            where f.org_id = @OrgId
              and c.created_at >= @From
              and c.created_at < @To
            group by f.chat_id
        ), chat as (
            select (@DayOf::int[])[width_bucket(t.created_at, @Starts)] as day, t.messages, r.up, r.down,
                   case
                       when t.first_assistant >= '0' then (extract(epoch from t.first_assistant) * 1000)::bigint
                       when t.first_assistant < '0' then 0
                   end as first_assistant_ms,
                   (extract(epoch from t.duration) * 1000)::bigint as duration_ms
            from talk t
            left join rated r on r.chat_id = t.id
        )
        select day, count(*) as chats, sum(messages)::bigint as messages, count(*) - count(first_assistant_ms) as without_assistant,
               count(up) as with_feedback, coalesce(sum(up), 0)::bigint as up, coalesce(sum(down), 0)::bigint as down,
               round(avg(messages), 4)::float8 as messages_avg, percentile_disc(0.5) within group (order by messages) as messages_p50,
               percentile_disc(0.9) within group (order by messages) as messages_p90,
               percentile_disc(0.99) within group (order by messages) as messages_p99, max(messages) as messages_max,
               count(first_assistant_ms) as first_count, round(avg(first_assistant_ms))::bigint as first_avg,
               percentile_disc(0.5) within group (order by first_assistant_ms) as first_p50,
               percentile_disc(0.9) within group (order by first_assistant_ms) as first_p90,
               percentile_disc(0.99) within group (order by first_assistant_ms) as first_p99, max(first_assistant_ms) as first_max,
               count(duration_ms) as duration_count, round(avg(duration_ms))::bigint as duration_avg,
               percentile_disc(0.5) within group (order by duration_ms) as duration_p50,
               percentile_disc(0.9) within group (order by duration_ms) as duration_p90,
               percentile_disc(0.99) within group (order by duration_ms) as duration_p99, max(duration_ms) as duration_max
        from chat
        group by grouping sets ((day), ())
        having count(*) > 0
        """;

    /// <summary>
    /// Computes the statistics from the sums of chats, and from the events that they do not contain yet. Null: the sums must contain them.
    /// </summary>
    public static async Task<ConversationDays?> FromSums(
        Sql.Transaction snapshot, Conversations.Query query, UnaggregatedEvents tail, DateRange range)
    {
        var counts = new ConversationSlots([.. range.Local.Buckets], range.To, range.Local.Days.Count);
        if (await TagFilter.Of(snapshot, query.OrgId, query.Tag) is { } tag)
            await counts.Read(snapshot, query.OrgId, tag);
        else
            await counts.ReadSums(snapshot, query.OrgId, query.Tag, range.From);
        if (!await counts.Add(snapshot, query.OrgId, query.Tag, await tail.Read(snapshot, query.OrgId, Earliest, Latest)))
            return null;
        var all = new ConversationCounts();
        for (var day = 0; day < range.Local.Days.Count; day++)
            all.Add(counts[day]);
        return new(
            TotalsOf(all),
            [
                .. range.Local.Days.Select((day, i) => DayOf(day, TotalsOf(counts[i]))),
            ]);
    }

    private static readonly DateTimeOffset Earliest = new(1, 1, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static Conversations.Totals TotalsOf(ConversationCounts counts) =>
        counts.IsEmpty
            ? Nothing
            : new(
                counts.Chats,
                counts.Messages.Sum,
                counts.Chats - counts.FirstAssistant.Count,
                counts.WithFeedback,
                Math.Round((double)counts.WithFeedback / counts.Chats, 4, MidpointRounding.AwayFromZero),
                counts.Up,
                counts.Down,
                new(
                    Math.Round((double)counts.Messages.Sum / counts.Chats, 4, MidpointRounding.AwayFromZero),
                    counts.Messages.Percentile(50), counts.Messages.Percentile(90), counts.Messages.Percentile(99), counts.Messages.Max),
                TimesOf(counts.FirstAssistant),
                TimesOf(counts.Durations));

    private static Conversations.Times? TimesOf(Histogram values) =>
        values.Count == 0
            ? null
            : new(values.Count, values.Mean, values.Percentile(50), values.Percentile(90), values.Percentile(99), values.Max);

    private static Conversations.DayCount DayOf(DateOnly day, Conversations.Totals totals) => new(
        day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        totals.Chats,
        totals.Messages,
        totals.WithoutAssistant,
        totals.WithFeedback,
        totals.FeedbackShare,
        totals.FeedbackUp,
        totals.FeedbackDown,
        totals.MessagesPerChat,
        totals.FirstAssistant,
        totals.Duration);

    /// <summary>Computes the statistics from the messages.</summary>
    public static async Task<ConversationDays> FromMessages(Sql.Transaction snapshot, Conversations.Query query, DateRange range)
    {
        var spans = range.Local.Buckets;
        var rows = await snapshot.QueryAsync<Row>(
            Chats,
            new
            {
                query.OrgId,
                query.Tag,
                range.From,
                range.To,
                Starts = spans.Select(span => span.Start.UtcDateTime).ToArray(),
                DayOf = spans.Select(span => span.Day).ToArray(),
            });
        var days = rows.Where(row => row.Day is not null).ToDictionary(row => row.Day!.Value, row => row.ToTotals());
        return new(
            rows.SingleOrDefault(row => row.Day is null)?.ToTotals() ?? Nothing,
            [
                .. range
                    .Local.Days.Select((day, i) => (Day: day, Totals: days.GetValueOrDefault(i, Nothing)))
                    .Select(each => DayOf(each.Day, each.Totals)),
            ]);
    }

    private static readonly Conversations.Totals Nothing = new(0, 0, 0, 0, null, 0, 0, null, null, null);

    private sealed record Row(
        int? Day, long Chats, long Messages, long WithoutAssistant, long WithFeedback, long Up, long Down,
        double MessagesAvg, long MessagesP50, long MessagesP90, long MessagesP99, long MessagesMax,
        long FirstCount, long? FirstAvg, long? FirstP50, long? FirstP90, long? FirstP99, long? FirstMax,
        long DurationCount, long? DurationAvg, long? DurationP50, long? DurationP90, long? DurationP99, long? DurationMax)
    {
        public Conversations.Totals ToTotals() =>
            new(
                Chats,
                Messages,
                WithoutAssistant,
                WithFeedback,
                Math.Round((double)WithFeedback / Chats, 4, MidpointRounding.AwayFromZero),
                Up,
                Down,
                new(MessagesAvg, MessagesP50, MessagesP90, MessagesP99, MessagesMax),
                FirstCount == 0
                    ? null
                    : new(FirstCount, FirstAvg!.Value, FirstP50!.Value, FirstP90!.Value, FirstP99!.Value, FirstMax!.Value),
                DurationCount == 0
                    ? null
                    : new(DurationCount, DurationAvg!.Value, DurationP50!.Value, DurationP90!.Value, DurationP99!.Value, DurationMax!.Value)
            );
    }
}
