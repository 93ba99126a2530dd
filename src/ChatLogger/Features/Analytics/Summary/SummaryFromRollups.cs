using System.Globalization;
using ChatLogger.Data;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>
/// Computes the summary from the rollups of an organization, or of one of its tags; with other filters from the sums of its chats; from
/// the events that are not aggregated yet, and the rows of partial buckets of less than a quarter of an hour. It reads all of them in one
/// snapshot, so that each event counts exactly once.
/// </summary>
internal sealed class SummaryFromRollups
{
    private readonly Summary.Query _query;
    private readonly DateRange _range;
    private readonly RollupCounts _counts;
    private readonly RollupBucket _within = new();
    private readonly RollupBucket _before = new();

    // A slot for each local day, and one for the previous range.
    private SummaryFromRollups(Summary.Query query, DateRange range) => (_query, _range, _counts) = (
        query, range,
        new([(range.PreviousFrom, range.Local.Days.Count), .. range.Local.Buckets], range.To, range.Local.Days.Count + 1));

    public static async Task<Summary.Response> ReadAsync(
        Sql.Transaction snapshot, Summary.Query query, UnaggregatedEvents tail, DateRange range, DateTimeOffset asOf, ModelPrices prices)
    {
        var summary = new SummaryFromRollups(query, range);
        var names = query.Model is null && await TagFilter.Of(snapshot, query.OrgId, query.Tag) is { } tag
            ? await summary.Read(snapshot, tail, tag)
            : await summary.ReadFiltered(snapshot, tail);
        return await summary.ToResponse(snapshot, asOf, prices, names);
    }

    private async Task<DimensionIds> Read(Sql.Transaction snapshot, UnaggregatedEvents tail, TagFilter tag)
    {
        var ends = new List<TimeBuckets.PartialBucket>();
        await _counts.Read(snapshot, _query.OrgId, tag, tail.UpTo);
        await ReadPeople(snapshot, _query.OrgId, tag.Id, ends);

        var fresh = (await tail.Read(snapshot, _query.OrgId, _range.PreviousFrom, _range.To)).FindAll(tag.Passes);
        var atEnds = ends.Count == 0
            ? []
            : (await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.PartialBuckets(_query.OrgId, tail.UpTo, ends)))
                .FindAll(tag.Passes);
        var names = await DimensionIds.Of(snapshot, _query.OrgId, DimensionIds.NamesOf(fresh.Concat(atEnds)), mayAdd: false);
        foreach (var what in fresh)
            _counts.Add(what);
        foreach (var what in fresh.Concat(atEnds))
            AddUse(what, names);
        return names;
    }

    private async Task<DimensionIds> ReadFiltered(Sql.Transaction snapshot, UnaggregatedEvents tail)
    {
        var events = await SummaryFromSums.Read(
            snapshot, new(_query.OrgId, _query.Tag, _query.Model), tail, _range.PreviousFrom, _range.To, _counts, (bucket, start) =>
        {
            _counts[_counts.SlotOf(start)].Add(bucket.Counts);
            AtTime(start).Add(bucket);
        });
        var names = await DimensionIds.Of(snapshot, _query.OrgId, DimensionIds.NamesOf(events), mayAdd: false);
        foreach (var what in events)
        {
            _counts.Add(what);
            AddUse(what, names);
        }
        return names;
    }

    private void AddUse(AnalyticsEvent what, DimensionIds names)
    {
        if (what.Kind != AnalyticsEventKind.Feedback)
            AtTime(what.At).Add(what, names.Person(what), names.Tags(what), names.Model(what));
    }

    private RollupBucket AtTime(long at) => at < TimeBuckets.FirstMillisecond(_range.From) ? _before : _within;

    private async Task ReadPeople(Sql.Transaction snapshot, Guid orgId, int tag, List<TimeBuckets.PartialBucket> ends)
    {
        var (before, within) = (new List<TimeBuckets.BucketRange>(), new List<TimeBuckets.BucketRange>());
        TimeBuckets.Cut(_range.PreviousFrom.UtcDateTime, _range.From.UtcDateTime, TimeBuckets.Day, before, ends);
        TimeBuckets.Cut(_range.From.UtcDateTime, _range.To.UtcDateTime, TimeBuckets.Day, within, ends);
        await ReadPeople(snapshot, orgId, tag, before, _before);
        await ReadPeople(snapshot, orgId, tag, within, _within);
    }

    private static async Task ReadPeople(
        Sql.Transaction snapshot, Guid orgId, int tag, List<TimeBuckets.BucketRange> ranges, RollupBucket bucket)
    {
        foreach (var row in await snapshot.QueryAsync<PeopleRow>(
            """
            select r.start, r.cells
            from unnest(@Tiers, @Starts, @Ends) as s(tier, start, until)
            cross join lateral (
                select start, cells
                from rollups
                where org_id = @OrgId and tag = @Tag and tier = s.tier and start >= s.start and start < s.until
                offset 0
            ) r
            """,
            RollupSql.BucketRanges(orgId, tag, ranges)))
        {
            RollupCells.Read(row.Cells, TimeBuckets.Milliseconds(row.Start), counts: null, bucket: bucket);
        }
    }

    private async Task<Summary.Response> ToResponse(
        Sql.Transaction snapshot, DateTimeOffset asOf, ModelPrices prices, DimensionIds fresh)
    {
        var top = _query.Top;
        var all = new BucketCounts();
        BucketCounts[] days = [.. _range.Local.Days.Select((_, day) => _counts[day])];
        foreach (var day in days)
            all.Add(day);
        var users = TopPeople(_within.People.Where(person => person.Key != default), user => user.Value.Messages, top);
        var tags = TopPeople(_within.Tags, tag => tag.Value.Messages, 1_000);
        var names = fresh.ByNumber.Where(name => name.Key < 0).ToDictionary();
        var shown = users
            .SelectMany(user => (int[])[user.Key.Member, user.Key.EndUser])
            .Concat(tags.Select(tag => tag.Key))
            .Concat(_within.Models.Keys)
            .Concat(_before.Models.Keys)
            .Where(no => no > 0)
            .Distinct();
        foreach (var (no, name) in await DimensionIds.Of(snapshot, _query.OrgId, [.. shown]))
            names.TryAdd(no, name);
        string? Name(int no) => no == 0 ? null : names[no][2..];

        Summary.ModelCount[] ModelsOf(RollupBucket bucket) =>
        [
            .. bucket.Models.Select(model => Summary.ModelCount.Of(
                Name(model.Key)!, model.Value.Messages, model.Value.Tokens, model.Value.PromptTokens, model.Value.CompletionTokens, prices))
                .OrderByDescending(model => model.Messages).ThenBy(model => model.Model, Utf8Order.Instance),
        ];

        var (models, modelsBefore) = (ModelsOf(_within), ModelsOf(_before));
        var nobody = _within.People.GetValueOrDefault(default);
        return new(
            _range.From,
            _range.To,
            _range.Zone.Id,
            asOf,
            Totals(all, _within, models, prices),
            Totals(_counts[days.Length], _before, modelsBefore, prices),
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
                .Take(1_000)],
            models);
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

    private static Summary.Totals Totals(
        BucketCounts counts, RollupBucket bucket, IReadOnlyList<Summary.ModelCount> models, ModelPrices prices) => new(
        counts.Chats,
        counts.Messages,
        bucket.People.Keys.Select(person => person.EndUser).Where(endUser => endUser != 0).Distinct().Count(),
        counts.Tokens,
        counts.PromptTokens,
        counts.CompletionTokens,
        counts.Up,
        counts.Down,
        prices.Total(models));

    private sealed record PeopleRow(DateTime Start, byte[] Cells);
}
