using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Rollups;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /analytics/orgs/me/summary: the counts of an organization in a range of time, by day, person and tag.</summary>
internal static class Summary
{
    public static void Map(IEndpointRouteBuilder analysts) =>
        analysts.MapGet("/summary", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(query.Value.Of(caller.OrgId), ct)))
            .WithSummary("Summarize a range of time.")
            .WithDescription(
                """
                from and to are instants (RFC 3339) or dates, which stand for local midnights of tz; to is excluded. By default: the 30
                local days that end with today, in the organization's time zone. At most 366 local days. tag may be repeated: all must
                match. With model, only its messages count, and only chats that have one. top (1 to 50, default 10) is the length of
                topUsers; tags are the 1,000 most used.

                Counts are exact and hold every message that was acknowledged before the request. Percentiles are by nearest rank: exact
                up to 400 ms, within 1 % of the value above. avgMs is rounded to a whole millisecond. Chats count by their creation,
                messages by their createdAt, feedback by its own time; tokens are tokenCount, or else promptTokens and completionTokens.
                endUsers are the externalUserIds that opened a chat or have a message in the range. models are those of the messages,
                with the cost of their prompt and completion tokens by the organization's prices: null for a model without a price, and
                totals.cost is null without prices. previous is the time just before, of the same length. Every local day of the range is
                there once; days sum to totals.
                """);

    public sealed record Request(
        string? From = null, string? To = null, string? Tz = null, string[]? Tag = null, string? Model = null, int? Top = null)
    {
        public Query Of(Guid orgId) => new(orgId, From, To, Tz, Tag ?? [], Model.NullIfEmpty(), Top ?? 10);
    }

    public sealed record Query(Guid OrgId, string? From, string? To, string? Tz, string[] Tag, string? Model, int Top)
        : IRequest<Response>;

    public sealed record Response(
        DateTimeOffset From,
        DateTimeOffset To,
        string Tz,
        DateTimeOffset AsOf,
        Totals Totals,
        Totals Previous,
        IReadOnlyList<DayCount> Days,
        Latency? Latency,
        IReadOnlyList<RoleCount> Roles,
        IReadOnlyList<UserCount> TopUsers,
        AnonymousCount Anonymous,
        IReadOnlyList<TagCount> Tags,
        IReadOnlyList<ModelCount> Models);

    public sealed record Totals(
        long Chats,
        long Messages,
        long EndUsers,
        long Tokens,
        long PromptTokens,
        long CompletionTokens,
        long FeedbackUp,
        long FeedbackDown,
        decimal? Cost);

    /// <summary>The counts of a local day; <c>latency</c> is null if no message has a latency.</summary>
    public sealed record DayCount(string Day, long Chats, long Messages, long Tokens, Latency? Latency);

    /// <summary>Latencies in milliseconds over the messages that have one.</summary>
    public sealed record Latency(long Count, long AvgMs, int P50Ms, int P90Ms, int P95Ms, int P99Ms, int MaxMs)
    {
        /// <summary>Null: the histogram is empty.</summary>
        public static Latency? Of(Histogram values) =>
            values.Count == 0
                ? null
                : new(
                    values.Count,
                    values.Mean,
                    (int)values.Percentile(50),
                    (int)values.Percentile(90),
                    (int)values.Percentile(95),
                    (int)values.Percentile(99),
                    (int)values.Max);
    }

    public sealed record RoleCount(string Role, long Messages);

    public sealed record UserCount(Guid? UserId, string? ExternalUserId, long Chats, long Messages, long Tokens, DateTimeOffset LastSeenAt);

    public sealed record AnonymousCount(long Chats, long Messages, long Tokens);

    public sealed record TagCount(string Tag, long Chats, long Messages);

    /// <summary>The messages of a model, and what they cost; null: it has no price.</summary>
    public sealed record ModelCount(string Model, long Messages, long Tokens, long PromptTokens, long CompletionTokens, decimal? Cost)
    {
        public static ModelCount Of(
            string model, long messages, long tokens, long promptTokens, long completionTokens, ModelPrices prices) =>
            new(model, messages, tokens, promptTokens, completionTokens, prices.Cost(model, promptTokens, completionTokens));
    }

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator(Limits limits)
        {
            RuleFor(query => query.Top)
                .Must(top => top >= 1 && top <= limits.AnalyticsTop)
                .WithMessage($"Must be from 1 to {limits.AnalyticsTop}.");
            RuleFor(query => query.Tag).Must(tags => tags.Length <= limits.Tags).WithMessage($"May be given at most {limits.Tags} times.");
            RuleFor(query => query.Model).AtMostCharacters(limits.ModelLength);
        }
    }

    public sealed class Handler(
        [FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings feed, TimeProvider time, Limits limits)
        : IRequestHandler<Query, Response>
    {
        public Task<Response> Handle(Query query, CancellationToken ct) =>
            UnaggregatedEvents.InSnapshot(
                db,
                query.OrgId,
                feed,
                async (snapshot, tail) =>
                {
                    var asOf = time.GetUtcNow();
                    var settings = await snapshot.QuerySingleOrDefaultAsync<OrganizationSettings.Row>(
                        "select time_zone, prices from organizations where id = @OrgId", query);
                    var prices = new ModelPrices(OrganizationSettings.PricesOf(settings?.Prices));
                    var range = DateRange.Parse(
                        query.From, query.To, DateRange.ZoneOf(query.Tz, settings?.TimeZone), asOf, limits.AnalyticsDays);
                    return tail is null
                        ? await SummaryFromMessages.ReadAsync(snapshot, query, range, asOf, prices)
                        : await SummaryFromRollups.ReadAsync(snapshot, query, tail, range, asOf, prices);
                },
                ct);
    }
}
