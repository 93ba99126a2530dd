using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>The messages of a range by weekday (from Monday) and hour in its time zone: 168 counts.</summary>
internal static class ConversationHours
{
    private const int Slots = 7 * 24;

    /// <summary>
    /// Counts from the rollups, or with several tags from the sums of chats, and the events that they do not contain yet.
    /// </summary>
    public static async Task<long[]> FromSums(
        Sql.Transaction snapshot, Conversations.Query query, UnaggregatedEvents tail, DateRange range)
    {
        var counts = new RollupCounts([.. Buckets(range)], range.To, Slots);
        if (await TagFilter.Of(snapshot, query.OrgId, query.Tag) is { } tag)
        {
            await counts.Read(snapshot, query.OrgId, tag, tail.UpTo);
            (await tail.Read(snapshot, query.OrgId, range.From, range.To)).FindAll(tag.Passes).ForEach(counts.Add);
        }
        else
        {
            var events = await SummaryFromSums.Read(
                snapshot,
                new SummaryFromSums.Filter(query.OrgId, query.Tag, null),
                tail,
                range.From,
                range.To,
                counts,
                (bucket, start) => counts[counts.SlotOf(start)].Add(bucket.Counts));
            events.ForEach(counts.Add);
        }
        return [.. Enumerable.Range(0, Slots).Select(slot => counts[slot].Messages)];
    }

    /// <summary>Counts from the messages.</summary>
    public static async Task<long[]> FromMessages(Sql.Transaction snapshot, Conversations.Query query, DateRange range)
    {
        var spans = Buckets(range).ToArray();
        var counts = new long[Slots];
        foreach (var row in await snapshot.QueryAsync<Row>(
            """
            select (@SlotOf::int[])[width_bucket(m.created_at, @Starts)] as slot, count(*) as messages
            from messages m
            join chats c on c.org_id = m.org_id and c.id = m.chat_id
            where m.org_id = @OrgId
              and m.created_at >= @From
              and m.created_at < @To
              and c.deleted_at is null
              and c.tags @> @Tag
            group by 1
            """,
            new
            {
                query.OrgId,
                query.Tag,
                range.From,
                range.To,
                Starts = Array.ConvertAll(spans, span => span.Start.UtcDateTime),
                SlotOf = Array.ConvertAll(spans, span => span.Slot),
            }))
        {
            counts[row.Slot] = row.Messages;
        }
        return counts;
    }

    // The offset of the zone is constant within each span of LocalDays.
    private static IEnumerable<(DateTimeOffset Start, int Slot)> Buckets(DateRange range)
    {
        var days = range.Local.Buckets;
        for (var i = 0; i < days.Count; i++)
        {
            var end = i + 1 < days.Count ? days[i + 1].Start : range.To;
            var offset = range.Zone.OffsetAt(days[i].Start);
            for (var at = days[i].Start; at < end;)
            {
                var local = (at + offset).UtcDateTime;
                yield return (at, (((int)local.DayOfWeek + 6) % 7 * 24) + local.Hour);
                at = at.AddTicks(TimeSpan.TicksPerHour - (local.Ticks % TimeSpan.TicksPerHour));
            }
        }
    }

    private sealed record Row(int Slot, long Messages);
}
