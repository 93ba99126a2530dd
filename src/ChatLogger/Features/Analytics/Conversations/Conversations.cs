using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Rollups;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// GET /analytics/orgs/me/conversations: statistics of the conversations of an organization by day, and its messages by weekday and hour.
/// </summary>
internal static class Conversations
{
    public static void Map(IEndpointRouteBuilder analysts) =>
        analysts.MapGet("/conversations", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(query.Value.Of(caller.OrgId), ct)))
            .WithSummary("Tell how conversations went.")
            .WithDescription(
                """
                from, to, tz and tag are those of the summary: instants or local dates, to excluded, by default the 30 local days that
                end with today; at most 366 local days. tag may be repeated: all must match.

                totals and days are about the chats that were created in the range, each with all of its messages and ratings to this
                moment. messagesPerChat counts 0 for a chat without messages. firstAssistant is the time from the chat's creation to its
                first assistant message (0 if that is dated before), over the chats that have one; withoutAssistant are those that have
                none. duration is the time from the first message to the last, over the chats that have messages. withFeedback are the
                chats of which at least one rating, of the chat or of a message, stands, and feedbackShare is their share of all, from 0
                to 1; feedbackUp and feedbackDown count the ratings. Percentiles are by nearest rank: exact up to 400,
                within 1 % of the value above; avgMs is rounded to a whole
                millisecond, other averages and shares to four decimals.

                weekdays counts the messages of the range by their createdAt: seven rows from Monday (1) to Sunday (7), each with the 24
                hours of the clock in tz. When clocks are set back an hour comes twice and counts for both. Every local day of the range
                is there once.
                """);

    public sealed record Request(string? From = null, string? To = null, string? Tz = null, string[]? Tag = null)
    {
        public Query Of(Guid orgId) => new(orgId, From, To, Tz, Tag ?? []);
    }

    public sealed record Query(Guid OrgId, string? From, string? To, string? Tz, string[] Tag) : IRequest<Response>;

    public sealed record Response(
        DateTimeOffset From,
        DateTimeOffset To,
        string Tz,
        DateTimeOffset AsOf,
        Totals Totals,
        IReadOnlyList<DayCount> Days,
        IReadOnlyList<Weekday> Weekdays);

    public sealed record Totals(
        long Chats, long Messages, long WithoutAssistant, long WithFeedback, double? FeedbackShare, long FeedbackUp, long FeedbackDown,
        PerChat? MessagesPerChat, Times? FirstAssistant, Times? Duration);

    /// <summary>Statistics of the chats that were created on a local day.</summary>
    public sealed record DayCount(
        string Day,
        long Chats,
        long Messages,
        long WithoutAssistant,
        long WithFeedback,
        double? FeedbackShare,
        long FeedbackUp,
        long FeedbackDown,
        PerChat? MessagesPerChat,
        Times? FirstAssistant,
        Times? Duration);

    /// <summary>Messages per chat; null if there are no chats.</summary>
    public sealed record PerChat(double Avg, long P50, long P90, long P99, long Max);

    /// <summary>Durations in milliseconds over <c>count</c> chats; null if there are none.</summary>
    public sealed record Times(long Count, long AvgMs, long P50Ms, long P90Ms, long P99Ms, long MaxMs);

    /// <summary>The messages on a day of the week, 1 (Monday) to 7, in each of the 24 hours of the day.</summary>
    public sealed record Weekday(int Day, IReadOnlyList<long> Hours);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator(Limits limits) =>
            RuleFor(query => query.Tag).Must(tags => tags.Length <= limits.Tags).WithMessage($"May be given at most {limits.Tags} times.");
    }

    public sealed class Handler(
        [FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings feed, TimeProvider time, Limits limits)
        : IRequestHandler<Query, Response>
    {
        public Task<Response> Handle(Query query, CancellationToken ct) => UnaggregatedEvents.InSnapshot(
            db,
            query.OrgId,
            feed,
            async (snapshot, tail) =>
            {
                var asOf = time.GetUtcNow();
                var zone = DateRange.ZoneOf(query.Tz, await snapshot.QuerySingleOrDefaultAsync<string>(SummarySql.TimeZone, query));
                var range = DateRange.Parse(query.From, query.To, zone, asOf, limits.AnalyticsDays);
                var days = tail is null
                    ? await ConversationDays.FromMessages(snapshot, query, range)
                    : await ConversationDays.FromSums(snapshot, query, tail, range);
                if (days is null)
                    return null;
                var hours = tail is null
                    ? await ConversationHours.FromMessages(snapshot, query, range)
                    : await ConversationHours.FromSums(snapshot, query, tail, range);
                return new Response(
                    range.From, range.To, range.Zone.Id, asOf, days.Totals, days.Days,
                    [.. hours.Chunk(24).Select((clock, weekday) => new Weekday(weekday + 1, clock))]);
            },
            ct);
    }
}
