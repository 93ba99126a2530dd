using System.Globalization;
using ChatLogger.Data;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>
/// Computes the summary from the rollups of an organization, the events that are not aggregated yet, and the rows of partial buckets of
/// less than a quarter of an hour. It reads all of them in one snapshot, so that each event counts exactly once.
/// </summary>
internal sealed class SummaryFromRollups
{
    private readonly DateRange _range;
    private readonly RollupCounts _counts;
    private readonly RollupBucket _within = new();
    private readonly HashSet<int> _endUsersBefore = [];

    // A slot for each local day, and one for the previous range.
    private SummaryFromRollups(DateRange range) => (_range, _counts) = (
        range, new([(range.PreviousFrom, range.Local.Days.Count), .. range.Local.Buckets], range.To, range.Local.Days.Count + 1));

    /// <summary>Null: too many events are not aggregated yet.</summary>
    public static async Task<Summary.Response?> ReadAsync(
        Sql.Transaction snapshot,
        Guid orgId,
        DateRange range,
        DateTimeOffset asOf,
        int top)
    {
        if (await UnaggregatedEvents.Of(snapshot, orgId) is not { } tail)
            return null;
        var summary = new SummaryFromRollups(range);
        var names = await summary.Read(snapshot, orgId, tail);
        return await summary.ToResponse(snapshot, orgId, asOf, top, names);
    }

    private async Task<DimensionIds> Read(Sql.Transaction snapshot, Guid orgId, UnaggregatedEvents tail)
    {
        var ends = new List<TimeBuckets.PartialBucket>();
        await _counts.Read(snapshot, orgId, tail.UpTo);
        await ReadPeople(snapshot, orgId, ends);

        var fresh = await tail.Read(snapshot, orgId, _range.PreviousFrom, _range.To);
        var atEnds =
            ends.Count == 0 ? [] : await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.PartialBuckets(orgId, tail.UpTo, ends));
        var names = await DimensionIds.Of(snapshot, orgId, [.. fresh, .. atEnds], mayAdd: false);
        foreach (var what in fresh)
            _counts.Add(what);
        foreach (var what in fresh.Concat(atEnds).Where(what => what.Kind != AnalyticsEventKind.Feedback))
        {
            var person = names.Person(what);
            if (what.At < TimeBuckets.FirstMillisecond(_range.From))
                _endUsersBefore.Add(person.EndUser);
            else
                _within.Add(what, person, names.Tags(what));
        }
        return names;
    }

    private async Task ReadPeople(Sql.Transaction snapshot, Guid orgId, List<TimeBuckets.PartialBucket> ends)
    {
        var (before, within) = (new List<TimeBuckets.BucketRange>(), new List<TimeBuckets.BucketRange>());
        TimeBuckets.Cut(_range.PreviousFrom.UtcDateTime, _range.From.UtcDateTime, before, ends);
        TimeBuckets.Cut(_range.From.UtcDateTime, _range.To.UtcDateTime, within, ends);
        foreach (var row in await snapshot.QueryAsync<PeopleRow>(
            """
            select r.start, r.people, ''::bytea as tags
            from unnest(@Tiers, @Starts, @Ends) as s(tier, start, until)
            cross join lateral (
                select start, people, tags
                from rollups
                where org_id = @OrgId and tier = s.tier and start >= s.start and start < s.until
                offset 0
            ) r
            """,
            RollupSql.BucketRanges(orgId, before)))
        {
            for (var people = RollupCodec.People(row.People, 0); people.Next();)
                _endUsersBefore.Add(people.Person.EndUser);
        }
        foreach (var row in await snapshot.QueryAsync<PeopleRow>(
            """
            select r.start, r.people, r.tags
            from unnest(@Tiers, @Starts, @Ends) as s(tier, start, until)
            cross join lateral (
                select start, people, tags
                from rollups
                where org_id = @OrgId and tier = s.tier and start >= s.start and start < s.until
                offset 0
            ) r
            """,
            RollupSql.BucketRanges(orgId, within)))
        {
            _within.Add(row.People, row.Tags, TimeBuckets.Milliseconds(row.Start));
        }
    }

    private async Task<Summary.Response> ToResponse(Sql.Transaction snapshot, Guid orgId, DateTimeOffset asOf, int top, DimensionIds fresh)
    {
        var all = new BucketCounts();
        BucketCounts[] days = [.. _range.Local.Days.Select((_, day) => _counts[day])];
        foreach (var day in days)
            all.Add(day);
        _endUsersBefore.Remove(0);
        var endUsers = _within.People.Keys.Select(person => person.EndUser).Where(endUser => endUser != 0).Distinct().Count();

        var users = TopPeople(_within.People.Where(person => person.Key != default), user => user.Value.Messages, top);
        var tags = TopPeople(_within.Tags, tag => tag.Value.Messages, 1_000);
        var names = fresh.ByNumber.Where(name => name.Key < 0).ToDictionary();
        var shown = users
            .SelectMany(user => (int[])[user.Key.Member, user.Key.EndUser])
            .Concat(tags.Select(tag => tag.Key))
            .Where(no => no > 0)
            .Distinct();
        foreach (var (no, name) in await DimensionIds.Of(snapshot, orgId, [.. shown]))
            names.Add(no, name);
        string? Name(int no) => no == 0 ? null : names[no][2..];

        var nobody = _within.People.GetValueOrDefault(default);
        return new(
            _range.From,
            _range.To,
            _range.Zone.Id,
            asOf,
            Totals(all, endUsers),
            Totals(_counts[days.Length], _endUsersBefore.Count),
            [
                .. _range.Local.Days.Select(
                    (day, i) =>
                        new Summary.DayCount(
                            day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                            days[i].Chats,
                            days[i].Messages,
                            days[i].Tokens,
                            Summary.Latency.Of(days[i].Latencies))),
            ],
            Summary.Latency.Of(all.Latencies),
            [.. all.Roles.Zip(BucketCounts.RoleNames, (messages, role) => new Summary.RoleCount(role, messages))
                .Where(role => role.Messages > 0)
                .OrderByDescending(role => role.Messages).ThenBy(role => role.Role, StringComparer.Ordinal)],
            [.. users.Select(user => (Member: Name(user.Key.Member), EndUser: Name(user.Key.EndUser), Use: user.Value))
                .OrderByDescending(user => user.Use.Messages)
                .ThenBy(user => user.Member is null).ThenBy(user => user.Member, StringComparer.Ordinal)
                .ThenBy(user => user.EndUser is null).ThenBy(user => user.EndUser, Utf8Order.Instance)
                .Take(top)
                .Select(user => new Summary.UserCount(
                    user.Member is null ? null : Guid.Parse(user.Member), user.EndUser, user.Use.Chats, user.Use.Messages, user.Use.Tokens,
                    DateTimeOffset.FromUnixTimeMilliseconds(user.Use.LastSeenAt)))],
            new(nobody.Chats, nobody.Messages, nobody.Tokens),
            [.. tags.Select(tag => new Summary.TagCount(Name(tag.Key)!, tag.Value.Chats, tag.Value.Messages))
                .OrderByDescending(tag => tag.Messages).ThenBy(tag => tag.Tag, Utf8Order.Instance)
                .Take(1_000)]);
    }

    // The candidates for the top people, including all that tie with the last one: names break ties, and are not known yet.
    private static List<T> TopPeople<T>(IEnumerable<T> all, Func<T, long> messages, int count)
    {
        var list = all.ToList();
        if (list.Count <= count)
            return list;
        var ranks = list.ConvertAll(each => -messages(each));
        ranks.Sort();
        var least = -ranks[count - 1];
        return list.FindAll(each => messages(each) >= least);
    }

    private static Summary.Totals Totals(BucketCounts counts, int endUsers) =>
        new(counts.Chats, counts.Messages, endUsers, counts.Tokens, counts.PromptTokens, counts.CompletionTokens, counts.Up, counts.Down);

    private sealed record PeopleRow(DateTime Start, byte[] People, byte[] Tags);
}
