using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>The integer ids by which the rollups of an organization refer to its members, end users, tags and models.</summary>
internal sealed class DimensionIds
{
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);

    public static string Member(Guid userId) => $"m:{userId}";

    public static string EndUser(string externalUserId) => $"e:{externalUserId}";

    public static string Tag(string tag) => $"t:{tag}";

    public static string Model(string model) => $"o:{model}";

    /// <summary>The names in the events.</summary>
    public static HashSet<string> NamesOf(IEnumerable<AnalyticsEvent> events)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var what in events)
        {
            if (what.UserId is { } userId)
                names.Add(Member(userId));
            if (what.ExternalUserId is { } externalUserId)
                names.Add(EndUser(externalUserId));
            foreach (var tag in what.Tags)
                names.Add(Tag(tag));
            if (what.Model is { } model)
                names.Add(Model(model));
        }
        return names;
    }

    /// <summary>
    /// The ids of names. With <paramref name="mayAdd"/> it stores new ids for unknown names; the caller must hold the lock of the rollup
    /// offset of the organization, so that no other transaction assigns ids. Without it, unknown names get negative ids that are valid for
    /// this result only.
    /// </summary>
    public static async Task<DimensionIds> Of(Sql.Transaction transaction, Guid orgId, HashSet<string> names, bool mayAdd)
    {
        var known = new DimensionIds();
        if (names.Count == 0)
            return known;

        await known.Find(transaction, orgId, [.. names]);
        var unknown = names.Where(name => !known._known.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray();
        if (unknown.Length > 0 && mayAdd)
        {
            await transaction.ExecuteAsync(
                """
                insert into rollup_names (org_id, no, name)
                select @OrgId, coalesce((select max(no) from rollup_names where org_id = @OrgId), 0) + n.no, n.name
                from unnest(@Unknown) with ordinality as n(name, no)
                """,
                new { OrgId = orgId, Unknown = unknown });
            await known.Find(transaction, orgId, unknown);
        }
        else
        {
            for (var i = 0; i < unknown.Length; i++)
                known._known[unknown[i]] = -1 - i;
        }
        return known;
    }

    /// <summary>The id of a model; -1: no message of it is counted.</summary>
    public static async Task<int> OfModel(Sql.Transaction transaction, Guid orgId, string model) =>
        await transaction.QuerySingleOrDefaultAsync<int?>(
            "select no from rollup_names where org_id = @OrgId and name = @Name", new { OrgId = orgId, Name = Model(model) }) ?? -1;

    /// <summary>The ids of tags; -1: no chat with it is counted.</summary>
    public static async Task<int[]> OfTags(Sql.Transaction transaction, Guid orgId, string[] tags)
    {
        var known = new DimensionIds();
        await known.Find(transaction, orgId, Array.ConvertAll(tags, Tag));
        return Array.ConvertAll(tags, tag => known._known.GetValueOrDefault(Tag(tag), -1));
    }

    /// <summary>The names of the ids that a response shows.</summary>
    public static async Task<Dictionary<int, string>> Of(Sql.Transaction transaction, Guid orgId, int[] numbers) =>
        (await transaction.QueryAsync<NameRow>(
            "select no, name from rollup_names where org_id = @OrgId and no = any(@Numbers)", new { OrgId = orgId, Numbers = numbers }))
        .ToDictionary(row => row.No, row => row.Name);

    /// <summary>The names by id.</summary>
    public IEnumerable<KeyValuePair<int, string>> ByNumber => _known.Select(name => KeyValuePair.Create(name.Value, name.Key));

    public PersonKey Person(AnalyticsEvent what) => Person(what.UserId, what.ExternalUserId);

    public PersonKey Person(Guid? userId, string? externalUserId) => new(
        userId is { } member ? _known[Member(member)] : 0,
        externalUserId is not null ? _known[EndUser(externalUserId)] : 0);

    public int[] Tags(AnalyticsEvent what) => Tags(what.Tags);

    public int[] Tags(string[] tags) => tags.Length == 0 ? [] : Array.ConvertAll(tags, tag => _known[Tag(tag)]);

    /// <summary>0: the event has no model.</summary>
    public int Model(AnalyticsEvent what) => what.Model is { } model ? _known[Model(model)] : 0;

    private async Task Find(Sql.Transaction transaction, Guid orgId, string[] names)
    {
        foreach (var row in await transaction.QueryAsync<NameRow>(
            """
            select n.no, k.name
            from unnest(@Names) as k(name)
            cross join lateral (
                select no from rollup_names where org_id = @OrgId and name >= k.name and name <= k.name order by name limit 1
            ) n
            """,
            new { OrgId = orgId, Names = names }))
        {
            _known[row.Name] = row.No;
        }
    }

    private sealed record NameRow(int No, string Name);
}
