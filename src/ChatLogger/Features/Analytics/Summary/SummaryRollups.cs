using System.Globalization;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// The summary from the organization's rollups, and from the rows of what arrived since they were folded and of what is less than a quarter of an hour:
/// all in one snapshot, so that everything counts once.
/// </summary>
internal sealed class SummaryRollups
{
    /// <summary>More than so many arrivals that are not folded yet are counted by the database.</summary>
    private const int MostFresh = 50_000;

    /// <summary>The time before the range, among the local days.</summary>
    private const int Before = -1;

    private readonly Range _range;
    private readonly TallyCounts[] _days;
    private readonly TallyCounts _before = new();
    private readonly Tally _within = new();
    private readonly HashSet<int> _endUsersBefore = [];

    private SummaryRollups(Range range) =>
        (_range, _days) = (range, [.. range.Local.Days.Select(_ => new TallyCounts())]);

    /// <summary>Null: too much is not folded yet.</summary>
    public static async Task<Summary.Response?> Answer(Sql.Transaction snapshot, Guid orgId, Range range, DateTimeOffset asOf, int top)
    {
        var upTo = await snapshot.QuerySingleOrDefaultAsync<long?>(
            "select seq from followers where org_id = @OrgId and follower = @Name", new { OrgId = orgId, Rollups.Name }) ?? -1;
        var waiting = await snapshot.QuerySingleOrDefaultAsync<long>(
            "select count(*) from (select from messages where org_id = @OrgId and seq > @UpTo limit @Limit) waiting",
            new { OrgId = orgId, UpTo = upTo, Limit = MostFresh + 1 });
        if (waiting > MostFresh)
            return null;
        var summary = new SummaryRollups(range);
        var names = await summary.Read(snapshot, orgId, upTo);
        return await summary.ToResponse(snapshot, orgId, asOf, top, names);
    }

    private async Task<RollupNames> Read(Sql.Transaction snapshot, Guid orgId, long upTo)
    {
        var (edges, ends) = (new List<Spans.Edge>(), new List<Spans.Edge>());
        await ReadCounts(snapshot, orgId, edges);
        await ReadPeople(snapshot, orgId, ends);

        var fresh = await RollupSql.Read(snapshot, RollupSql.Fresh, new { OrgId = orgId, After = upTo, From = _range.PreviousFrom, _range.To });
        var atEdges = edges.Count == 0 ? [] : await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.Edges(orgId, upTo, edges));
        var atEnds = ends.Count == 0 ? [] : await RollupSql.Read(snapshot, RollupSql.Within, RollupSql.Edges(orgId, upTo, ends));
        var names = await RollupNames.Of(snapshot, orgId, [.. fresh, .. atEdges, .. atEnds], mayAdd: false);
        foreach (var what in fresh.Concat(atEdges))
            CountsAt(what.At).Add(what);
        foreach (var what in fresh.Concat(atEnds).Where(what => what.Kind != HappeningKind.Feedback))
        {
            var person = names.Person(what);
            if (IsBefore(what.At))
                _endUsersBefore.Add(person.EndUser);
            else
                _within.Add(what, person, names.Tags(what));
        }
        return names;
    }

    // Day by day, and days begin at any hour of UTC.
    private async Task ReadCounts(Sql.Transaction snapshot, Guid orgId, List<Spans.Edge> edges)
    {
        var segments = new List<Spans.Segment>();
        var dayOf = new List<int>();
        Cut(_range.PreviousFrom.UtcDateTime, _range.From.UtcDateTime, Spans.Day, Before);
        var spans = _range.Local.Spans;
        for (var i = 0; i < spans.Count; i++)
            Cut(spans[i].Start.UtcDateTime, (i + 1 < spans.Count ? spans[i + 1].Start : _range.To).UtcDateTime, Spans.Hour, spans[i].Day);

        foreach (var row in await snapshot.QueryAsync<CountsRow>(
            """
            select s.no::int, r.counts
            from unnest(@Tiers, @Starts, @Ends) with ordinality as s(tier, start, until, no)
            join rollups r on r.org_id = @OrgId and r.tier = s.tier and r.start >= s.start and r.start < s.until
            """,
            Parameters(orgId, segments)))
        {
            CountsOf(dayOf[row.No - 1]).Add(row.Counts);
        }

        void Cut(DateTime from, DateTime to, int longest, int day)
        {
            Spans.Cut(from, to, longest, segments, edges);
            while (dayOf.Count < segments.Count)
                dayOf.Add(day);
        }
    }

    private async Task ReadPeople(Sql.Transaction snapshot, Guid orgId, List<Spans.Edge> ends)
    {
        var (before, within) = (new List<Spans.Segment>(), new List<Spans.Segment>());
        Spans.Cut(_range.PreviousFrom.UtcDateTime, _range.From.UtcDateTime, Spans.Day, before, ends);
        Spans.Cut(_range.From.UtcDateTime, _range.To.UtcDateTime, Spans.Day, within, ends);
        foreach (var row in await snapshot.QueryAsync<PeopleRow>(
            """
            select r.start, r.people, ''::bytea as tags
            from unnest(@Tiers, @Starts, @Ends) as s(tier, start, until)
            join rollups r on r.org_id = @OrgId and r.tier = s.tier and r.start >= s.start and r.start < s.until
            """,
            Parameters(orgId, before)))
        {
            for (var people = TallyBytes.People(row.People, 0); people.Next();)
                _endUsersBefore.Add(people.Person.EndUser);
        }
        foreach (var row in await snapshot.QueryAsync<PeopleRow>(
            """
            select r.start, r.people, r.tags
            from unnest(@Tiers, @Starts, @Ends) as s(tier, start, until)
            join rollups r on r.org_id = @OrgId and r.tier = s.tier and r.start >= s.start and r.start < s.until
            """,
            Parameters(orgId, within)))
        {
            _within.Add(row.People, row.Tags, Spans.Milliseconds(row.Start));
        }
    }

    private async Task<Summary.Response> ToResponse(Sql.Transaction snapshot, Guid orgId, DateTimeOffset asOf, int top, RollupNames fresh)
    {
        var all = new TallyCounts();
        foreach (var day in _days)
            all.Add(day);
        _endUsersBefore.Remove(0);
        var endUsers = _within.People.Keys.Select(person => person.EndUser).Where(endUser => endUser != 0).Distinct().Count();

        var users = Foremost(_within.People.Where(person => person.Key != default), user => user.Value.Messages, top);
        var tags = Foremost(_within.Tags, tag => tag.Value.Messages, 1_000);
        var names = fresh.ByNumber.Where(name => name.Key < 0).ToDictionary();
        var shown = users.SelectMany(user => (int[])[user.Key.Member, user.Key.EndUser]).Concat(tags.Select(tag => tag.Key)).Where(no => no > 0).Distinct();
        foreach (var (no, name) in await RollupNames.Of(snapshot, orgId, [.. shown]))
            names.Add(no, name);
        string? Name(int no) => no == 0 ? null : names[no][2..];

        var nobody = _within.People.GetValueOrDefault(default);
        return new(
            _range.From,
            _range.To,
            _range.Zone.Id,
            asOf,
            Totals(all, endUsers),
            Totals(_before, _endUsersBefore.Count),
            [.. _range.Local.Days.Select((day, i) => new Summary.DayCount(
                day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), _days[i].Chats, _days[i].Messages, _days[i].Tokens, _days[i].Latencies.ToLatency()))],
            all.Latencies.ToLatency(),
            [.. all.Roles.Zip(TallyCounts.RoleNames, (messages, role) => new Summary.RoleCount(role, messages))
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

    // Those who may be among the first so many: names decide between equals, and are not known yet.
    private static List<T> Foremost<T>(IEnumerable<T> all, Func<T, long> messages, int count)
    {
        var list = all.ToList();
        if (list.Count <= count)
            return list;
        var ranks = list.ConvertAll(each => -messages(each));
        ranks.Sort();
        var least = -ranks[count - 1];
        return list.FindAll(each => messages(each) >= least);
    }

    private static Summary.Totals Totals(TallyCounts counts, int endUsers) =>
        new(counts.Chats, counts.Messages, endUsers, counts.Tokens, counts.PromptTokens, counts.CompletionTokens, counts.Up, counts.Down);

    private static object Parameters(Guid orgId, List<Spans.Segment> segments) => new
    {
        OrgId = orgId,
        Tiers = segments.Select(segment => segment.Tier).ToArray(),
        Starts = segments.Select(segment => segment.Start).ToArray(),
        Ends = segments.Select(segment => segment.End).ToArray(),
    };

    private bool IsBefore(long at) => at < Spans.FirstMillisecond(_range.From);

    private TallyCounts CountsOf(int day) => day == Before ? _before : _days[day];

    private TallyCounts CountsAt(long at)
    {
        if (IsBefore(at))
            return _before;
        var spans = _range.Local.Spans;
        var (low, high) = (0, spans.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Spans.FirstMillisecond(spans[middle].Start) <= at)
                low = middle;
            else
                high = middle - 1;
        }
        return _days[spans[low].Day];
    }

    private sealed record CountsRow(int No, byte[] Counts);

    private sealed record PeopleRow(DateTime Start, byte[] People, byte[] Tags);
}
