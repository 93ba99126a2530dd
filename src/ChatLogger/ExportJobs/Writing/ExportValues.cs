using ChatLogger.Data;

namespace ChatLogger.ExportJobs;

/// <summary>
/// How the statements of an export name the values of its filters: as settings of the transaction or, where the statement runs on another
/// node, which does not have these settings and must know the organization beforehand, as literals that the server has quoted.
/// </summary>
internal sealed class ExportValues
{
    /// <summary>The names of the values, in the order of <see cref="Quote"/>.</summary>
    private static readonly string[] Names =
        ["org_id", "from_at", "to_at", "tags", "user_id", "external_user_id", "model", "rating"];

    private const string Quote = """
        select array[
            quote_literal(@OrgId::uuid::text), quote_nullable(@From::timestamptz::text), quote_nullable(@To::timestamptz::text),
            quote_nullable(@Tags::text[]::text), quote_nullable(@UserId::uuid::text), quote_nullable(@ExternalUserId::text),
            quote_nullable(@Model::text), quote_nullable(@Rating::text)]
        """;

    // The plan that ExportSql.Prepare asks for, on the node of the organization too.
    private static readonly string[] Plan =
    [
        Engine.Propagate,
        "set local statement_timeout to 0",
        "set local enable_seqscan to off",
        "set local enable_bitmapscan to off",
        "set local enable_sort to off",
        "set local enable_hashjoin to off",
        "set local enable_mergejoin to off",
        "set local enable_material to off",
        "set local max_parallel_workers_per_gather to 0",
        "set local jit to off",
    ];

    private readonly IReadOnlyDictionary<string, string> _literals;

    private ExportValues(IReadOnlyDictionary<string, string> literals) => _literals = literals;

    public static ExportValues Settings { get; } = new(new Dictionary<string, string>());

    public bool AreLiterals => _literals.Count > 0;

    /// <summary>Sets the transaction up, and has the server quote the values.</summary>
    public static async Task<ExportValues> Literals(Sql.Transaction snapshot, object values)
    {
        foreach (var statement in Plan)
            await snapshot.ExecuteAsync(statement, new { });
        var quoted = await snapshot.QuerySingleOrDefaultAsync<string[]>(Quote, values);
        return new(Names.Zip(quoted!).ToDictionary());
    }

    public async Task<ExportValues> With(Sql.Transaction snapshot, IReadOnlyList<Guid> chats)
    {
        var quoted = await snapshot.QuerySingleOrDefaultAsync<string>(
            "select quote_literal(@Chats::uuid[]::text)", new { Chats = chats.ToArray() });
        return new(new Dictionary<string, string>(_literals) { ["chat_ids"] = quoted! });
    }

    /// <summary>A value as text.</summary>
    public string Named(string name) => AreLiterals ? _literals[name] : $"current_setting('chatlogger.{name}')";

    /// <summary>The organization of the chats, which have the alias c.</summary>
    public string OrgOfChat => AreLiterals ? OrgLiteral : "c.org_id";

    /// <summary>The organization of the messages, which have the alias m.</summary>
    public string OrgOfMessage => AreLiterals ? OrgLiteral : "m.org_id";

    private string OrgLiteral => $"{_literals["org_id"]}::uuid";
}
