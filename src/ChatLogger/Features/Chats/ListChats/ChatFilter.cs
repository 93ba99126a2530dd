using System.Globalization;
using ChatLogger.Data;
using ChatLogger.Http;
using Dapper;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// The filter of a list of chats: clauses on <c>chats c</c>, their parameters, and tokens that identify the filter, so that a cursor is
/// valid only for the list it came from.
/// </summary>
internal sealed record ChatFilter(string Clauses, object Parameters, string[] Tokens)
{
    private const string OfModel =
        "and exists (select from messages m where m.org_id = c.org_id and m.chat_id = c.id and m.model = @Model)";

    private const string RatedSo =
        "exists (select from feedback r where r.org_id = c.org_id and r.chat_id = c.id and r.rating = @Rating)";

    private const string Rated = "exists (select from feedback r where r.org_id = c.org_id and r.chat_id = c.id)";

    private const string LastIsUsers =
        """
        (
            select m.role = 'user'
            from messages m
            where m.org_id = c.org_id and m.chat_id = c.id
            order by m.seq desc
            limit 1
        )
        """;

    /// <exception cref="ProblemException">400: a value is neither a date nor an instant, or from is not before to.</exception>
    public static async Task<ChatFilter> Parse(ListChats.Query query, NpgsqlDataSource db, CancellationToken ct)
    {
        var (from, to) = await Between(query, db, ct);
        return new(
            string.Join(
                '\n',
                query.OnlyChatsOf is null ? "" : "and c.user_id = @OnlyChatsOf",
                from is null ? "" : "and c.created_at >= @From",
                to is null ? "" : "and c.created_at < @To",
                // The first condition is redundant; it lets the planner use the partial index, which leaves out chats without tags.
                query.Tags.Length == 0 ? "" : "and c.tags <> '{}' and c.tags @> @Tags",
                query.UserId is null ? "" : "and c.user_id = @UserId",
                query.ExternalUserId is null ? "" : "and c.external_user_id = @ExternalUserId",
                query.Model is null ? "" : OfModel,
                query.Rating switch { null => "", "none" => $"and not {Rated}", _ => $"and {RatedSo}" },
                query.Unanswered switch { null => "", "true" => $"and {LastIsUsers}", _ => $"and {LastIsUsers} is not true" }),
            new { query.OnlyChatsOf, From = from, To = to, query.Tags, query.UserId, query.ExternalUserId, query.Model, query.Rating },
            [
                Word(from), Word(to), $"{query.UserId}", query.ExternalUserId ?? "", query.Model ?? "", query.Rating ?? "",
                query.Unanswered ?? "", $"{query.Tags.Length}", .. query.Tags,
            ]);
    }

    /// <summary>The parameters of these clauses combined with those of the statement that contains them.</summary>
    public object With(object others)
    {
        var all = new DynamicParameters(Parameters);
        all.AddDynamicParams(others);
        return all;
    }

    private static async Task<(DateTimeOffset? From, DateTimeOffset? To)> Between(
        ListChats.Query query,
        NpgsqlDataSource db,
        CancellationToken ct)
    {
        if (query is { From: null, To: null })
            return default;
        var zone = TimeZones.OfOrganization(
            await db.ReadSingleOrDefaultAsync<string>("select time_zone from organizations where id = @OrgId", new { query.OrgId }, ct));
        var (from, to) = (DateRange.Instant("from", query.From, zone), DateRange.Instant("to", query.To, zone));
        return from >= to ? throw ProblemException.Validation("from", "Must be before to.") : (from, to);
    }

    private static string Word(DateTimeOffset? instant) => instant?.UtcTicks.ToString(CultureInfo.InvariantCulture) ?? "";
}
