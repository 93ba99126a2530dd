using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// Keeps an organization's rollups right. They hold what arrived up to its cursor, of chats that are not deleted, under their current tags: whoever
/// folds moves the cursor, and whoever deletes a chat or changes its tags says so here, in the same transaction.
/// </summary>
internal static class Rollups
{
    /// <summary>The name of their follower.</summary>
    public const string Name = "rollups";

    /// <summary>Folds the next arrivals, about so many rows, up to the settled number at most; answers up to which. The cursor is the caller's.</summary>
    public static async Task<long> Fold(Sql.Transaction transaction, Guid orgId, long after, long settled, int rows)
    {
        var upTo = await Next(transaction, orgId, after, settled, rows);
        var arrived = await RollupSql.Read(transaction, RollupSql.Arrived, new { OrgId = orgId, After = after, UpTo = upTo });
        if (arrived.Count > 0)
        {
            var tallies = InAllTiers(Quarters(arrived, await RollupNames.Of(transaction, orgId, arrived, mayAdd: true)));
            foreach (var (span, kept) in await RollupRows.Read(transaction, orgId, tallies.Keys))
                tallies[span].Add(kept);
            await RollupRows.Write(transaction, orgId, tallies);
        }
        await transaction.ExecuteAsync(
            "delete from feedback_replaced where org_id = @OrgId and until_seq <= @UpTo", new { OrgId = orgId, UpTo = upTo });
        return upTo;
    }

    /// <summary>
    /// Takes what was counted of a chat away. To be called once, in the transaction that deletes the chat and after it is marked as deleted; until the
    /// transaction ends nothing is folded in the organization.
    /// </summary>
    public static async Task Remove(Sql.Transaction transaction, Guid orgId, Guid chatId)
    {
        if (await Follower.Cursor.Take(transaction, orgId, Name, wait: true) is not { } upTo)
            return;
        var gone = await RollupSql.Read(transaction, RollupSql.OfChat, new { OrgId = orgId, ChatId = chatId, UpTo = upTo });
        if (gone.Count == 0)
            return;

        var parts = Quarters(gone, await RollupNames.Of(transaction, orgId, gone, mayAdd: true));
        var hours = parts.Keys.Select(start => Spans.StartOf(Spans.Hour, start)).Distinct().ToArray();
        var quarters = await RollupRows.Read(transaction, orgId, [.. hours.SelectMany(hour => Inside(Spans.Hour, hour))]);
        var unknown = new List<long>();
        foreach (var (start, part) in parts)
        {
            // Not there: then it is for Recount to say so.
            if (!quarters.TryGetValue((Spans.Quarter, start), out var quarter) || !quarter.Remove(part))
                unknown.Add(start);
        }
        foreach (var (start, quarter) in await Recount(transaction, orgId, unknown, upTo))
            quarters[(Spans.Quarter, start)] = quarter;

        // What is the latest or greatest of an hour or a day is so in one of its parts.
        var tallies = parts.Keys.ToDictionary(start => (Spans.Quarter, start), start => quarters[(Spans.Quarter, start)]);
        foreach (var hour in hours)
            tallies.Add((Spans.Hour, hour), Sum(Inside(Spans.Hour, hour), quarters));
        var days = hours.Select(start => Spans.StartOf(Spans.Day, start)).Distinct().ToArray();
        var others = await RollupRows.Read(transaction, orgId, [.. days.SelectMany(day => Inside(Spans.Day, day)).Where(hour => !tallies.ContainsKey(hour))]);
        foreach (var (span, tally) in tallies.Where(each => each.Key.Item1 == Spans.Hour))
            others.Add(span, tally);
        foreach (var day in days)
            tallies.Add((Spans.Day, day), Sum(Inside(Spans.Day, day), others));
        await RollupRows.Write(transaction, orgId, tallies);
    }

    /// <summary>
    /// Counts under other tags what was counted of a chat. To be called in the transaction that changes them; until it ends nothing is folded in the
    /// organization.
    /// </summary>
    public static async Task Retag(Sql.Transaction transaction, Guid orgId, Guid chatId, string[] before, string[] after)
    {
        if (await Follower.Cursor.Take(transaction, orgId, Name, wait: true) is not { } upTo)
            return;
        var counted = await RollupSql.Read(transaction, RollupSql.OfChat, new { OrgId = orgId, ChatId = chatId, UpTo = upTo });
        var uses = counted.Where(what => what.Kind != HappeningKind.Feedback).ToList();
        if (uses.Count == 0)
            return;

        var names = await RollupNames.Of(transaction, orgId, [uses[0] with { Tags = [.. before, .. after] }], mayAdd: true);
        var (gone, come) = (names.Tags(uses[0] with { Tags = before }), names.Tags(uses[0] with { Tags = after }));
        var changes = uses
            .SelectMany(what => AllTiers, (what, tier) => (Span: (tier, Spans.StartOf(tier, what.At)), IsChat: what.Kind == HappeningKind.Chat))
            .GroupBy(use => use.Span, use => use.IsChat)
            .ToDictionary(span => span.Key, span => new TallyTag(span.LongCount(isChat => isChat), span.LongCount(isChat => !isChat)));
        var tallies = await RollupRows.Read(transaction, orgId, changes.Keys);
        foreach (var (span, tally) in tallies)
        {
            var use = changes[span];
            foreach (var tag in gone)
                tally.Add(tag, new(-use.Chats, -use.Messages));
            foreach (var tag in come)
                tally.Add(tag, use);
        }
        await RollupRows.Write(transaction, orgId, tallies);
    }

    /// <summary>Counts what arrived up to a number from the rows themselves: what the rollups must be when that is how far they are folded.</summary>
    public static async Task<Dictionary<(int Tier, long Start), Tally>> Count(Sql.Transaction transaction, Guid orgId, long upTo, int rows, bool mayAdd)
    {
        var quarters = new Dictionary<long, Tally>();
        for (var after = -1L; after < upTo;)
        {
            var next = await Next(transaction, orgId, after, upTo, rows);
            var arrived = await RollupSql.Read(transaction, RollupSql.Arrived, new { OrgId = orgId, After = after, UpTo = next });
            Add(quarters, arrived, await RollupNames.Of(transaction, orgId, arrived, mayAdd));
            after = next;
        }
        return InAllTiers(quarters);
    }

    // The end of the next piece.
    private static Task<long> Next(Sql.Transaction transaction, Guid orgId, long after, long last, int rows) =>
        transaction.QuerySingleOrDefaultAsync<long>(
            """
            select least(
                @Last,
                (select seq from chats where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from messages where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from feedback where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1))
            """,
            new { OrgId = orgId, After = after, Last = last, Rows = rows - 1 });

    private static readonly int[] AllTiers = [Spans.Quarter, Spans.Hour, Spans.Day];

    private static Dictionary<long, Tally> Quarters(IReadOnlyList<Happening> happenings, RollupNames names)
    {
        var quarters = new Dictionary<long, Tally>();
        Add(quarters, happenings, names);
        return quarters;
    }

    private static void Add(Dictionary<long, Tally> quarters, IReadOnlyList<Happening> happenings, RollupNames names)
    {
        foreach (var what in happenings)
        {
            var start = Spans.StartOf(Spans.Quarter, what.At);
            if (!quarters.TryGetValue(start, out var quarter))
                quarters.Add(start, quarter = new Tally());
            quarter.Add(what, names.Person(what), names.Tags(what));
        }
    }

    private static Dictionary<(int Tier, long Start), Tally> InAllTiers(Dictionary<long, Tally> quarters)
    {
        var tallies = quarters.ToDictionary(quarter => (Spans.Quarter, quarter.Key), quarter => quarter.Value);
        foreach (var (start, quarter) in quarters)
        {
            foreach (var tier in (ReadOnlySpan<int>)[Spans.Hour, Spans.Day])
            {
                var span = (tier, Spans.StartOf(tier, start));
                if (!tallies.TryGetValue(span, out var tally))
                    tallies.Add(span, tally = new Tally());
                tally.Add(quarter);
            }
        }
        return tallies;
    }

    // The rows themselves, as far as they were folded: nobody folds meanwhile.
    private static async Task<Dictionary<long, Tally>> Recount(Sql.Transaction transaction, Guid orgId, List<long> quarters, long upTo)
    {
        if (quarters.Count == 0)
            return [];
        var rows = await RollupSql.Read(transaction, RollupSql.Within, RollupSql.Edges(orgId, upTo, quarters.Select(start =>
            new Spans.Edge(Spans.Instant(start), Spans.Instant(start + Spans.Length(Spans.Quarter))))));
        var counted = Quarters(rows, await RollupNames.Of(transaction, orgId, rows, mayAdd: true));
        return quarters.ToDictionary(start => start, start => counted.GetValueOrDefault(start) ?? new Tally());
    }

    private static IEnumerable<(int Tier, long Start)> Inside(int tier, long start)
    {
        for (var part = start; part < start + Spans.Length(tier); part += Spans.Length(tier - 1))
            yield return (tier - 1, part);
    }

    private static Tally Sum(IEnumerable<(int Tier, long Start)> parts, Dictionary<(int Tier, long Start), Tally> tallies)
    {
        var sum = new Tally();
        foreach (var part in parts)
        {
            if (tallies.TryGetValue(part, out var tally))
                sum.Add(tally);
        }
        return sum;
    }
}
