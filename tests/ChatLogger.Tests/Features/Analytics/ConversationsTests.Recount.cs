using System.Globalization;
using System.Text.Json;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Range = ChatLogger.Features.DateRange;

namespace ChatLogger.Tests.Features.Analytics;

public partial class ConversationsTests
{
    [Theory]
    [InlineData(1, "Europe/Amsterdam", "2026-10-25T01:00:00Z")]
    [InlineData(2, "Australia/Lord_Howe", "2026-04-04T15:00:00Z")]
    [InlineData(3, "Asia/Kathmandu", "1985-12-31T18:30:00Z")]
    [InlineData(4, "Africa/Monrovia", "1972-01-07T00:44:30Z")]
    public async Task The_result_equals_a_recount_with_and_without_rollups_and_tags(int seed, string zoneName, string change)
    {
        var random = new Random(seed);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneName);
        var acme = await app.Org("acme");
        var importer = app.Stranger.WithKey(await acme.Key("ingest", "import"));
        var chats = new List<(DateTimeOffset At, bool IsTagged, List<(DateTimeOffset At, string Role)> Messages)>();
        for (var i = 0; i < 30; i++)
        {
            DateTimeOffset Some() =>
                DateTimeOffset
                    .Parse(change, CultureInfo.InvariantCulture)
                    .AddSeconds(random.Next(-300_000, 300_000))
                    .AddMilliseconds(random.Next(1_000));
            var chat = (At: Some(), IsTagged: random.Next(2) == 0, Messages: new List<(DateTimeOffset At, string Role)>());
            for (var n = random.Next(5); n > 0; n--)
                chat.Messages.Add((Some(), random.Next(3) == 0 ? "assistant" : "user"));
            chats.Add(chat);
            var items = chat.Messages.Select(message =>
                (object)
                    new
                    {
                        type = "message",
                        chatRef = "c",
                        role = message.Role,
                        content = "x",
                        createdAt = RollupAssertions.Text(message.At),
                    });
            object opened = new
            {
                type = "chat",
                @ref = "c",
                tags = chat.IsTagged ? new[] { "vip" } : [],
                createdAt = RollupAssertions.Text(chat.At),
            };
            (await importer.Post($"{acme.ApiPath}/batch", new { items = items.Prepend(opened) })).Is(207);
            if (i == 20)
                await app.FoldAll(acme, rows: 7);
        }

        var admin = await acme.Admin();
        foreach (var tag in new[] { "", "&tag=vip" })
        {
            var (from, to) = (
                DateTimeOffset.Parse(change, CultureInfo.InvariantCulture).AddSeconds(-random.Next(200_000)),
                DateTimeOffset.Parse(change, CultureInfo.InvariantCulture).AddSeconds(random.Next(1, 200_000)));
            var answer = (
                await admin.Get($"{Path}?from={RollupAssertions.Text(from)}&to={RollupAssertions.Text(to)}&tz={zoneName}{tag}")
            ).Is(200);
            bool In(DateTimeOffset at) => at >= from && at < to;
            var mine = chats.Where(chat => tag.Length == 0 || chat.IsTagged).ToArray();
            var begun = mine.Where(chat => In(chat.At)).ToArray();

            Assert.Equal(
                mine.SelectMany(chat => chat.Messages)
                    .Where(message => In(message.At))
                    .Select(message => TimeZoneInfo.ConvertTime(message.At, zone))
                    .GroupBy(local => $"{((int)local.DayOfWeek + 6) % 7 + 1}:{local.Hour}")
                    .Select(hour => $"{hour.Key}={hour.Count()}")
                    .Order(StringComparer.Ordinal),
                Hours(answer.Json).Order(StringComparer.Ordinal));
            Assert.Equal(
                begun
                    .GroupBy(chat => $"{TimeZoneInfo.ConvertTime(chat.At, zone):yyyy-MM-dd}")
                    .Select(day =>
                        $"{day.Key} {day.Count()} {day.Sum(chat => chat.Messages.Count)} "
                            + $"{day.Count(chat => chat.Messages.All(message => message.Role == "user"))}")
                    .Order(StringComparer.Ordinal),
                answer["days"]
                    .EnumerateArray()
                    .Where(day => day.GetProperty("chats").GetInt32() > 0)
                    .Select(day =>
                        $"{day.GetProperty("day")} {day.GetProperty("chats")} {day.GetProperty("messages")} "
                            + $"{day.GetProperty("withoutAssistant")}"));
            AreTimes(
                answer["totals"].GetProperty("firstAssistant"),
                begun
                    .Where(chat => chat.Messages.Any(message => message.Role == "assistant"))
                    .Select(chat =>
                        Math.Max(
                            0,
                            (long)
                                (
                                    chat.Messages.Where(message => message.Role == "assistant").Min(message => message.At) - chat.At
                                ).TotalMilliseconds)));
            AreTimes(
                answer["totals"].GetProperty("duration"),
                begun
                    .Where(chat => chat.Messages.Count > 0)
                    .Select(chat =>
                        (long)(chat.Messages.Max(message => message.At) - chat.Messages.Min(message => message.At)).TotalMilliseconds));
        }

        // In one snapshot, both ways.
        var query = new Conversations.Query(acme.Id, null, null, zoneName, []);
        var range = Range.Parse(
            RollupAssertions.Text(chats[0].At.AddDays(-3)),
            RollupAssertions.Text(chats[0].At.AddDays(3)),
            Range.ZoneOf(zoneName, null),
            DateTimeOffset.UtcNow,
            366);
        var (sums, messages) = await UnaggregatedEvents.InSnapshot(
            app.Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Analytics),
            acme.Id,
            new FeedSettings(),
            async (snapshot, tail) => Tuple.Create(
                await ConversationHours.FromSums(snapshot, query, tail!, range),
                await ConversationHours.FromMessages(snapshot, query, range)),
            default);
        Assert.Equal(messages, sums);
    }

    private static IEnumerable<string> Hours(JsonElement answer) =>
        from weekday in answer.GetProperty("weekdays").EnumerateArray()
        from hour in weekday
            .GetProperty("hours")
            .EnumerateArray()
            .Select((messages, clock) => (Clock: clock, Messages: messages.GetInt64()))
        where hour.Messages > 0
        select $"{weekday.GetProperty("day")}:{hour.Clock}={hour.Messages}";

    private static void AreTimes(JsonElement actual, IEnumerable<long> all)
    {
        var values = all.Order().ToArray();
        if (values.Length == 0)
        {
            Assert.Equal(JsonValueKind.Null, actual.ValueKind);
            return;
        }
        long Percentile(int p) => values[(((values.Length * p) + 99) / 100) - 1];
        var average = (long)Math.Round(values.Sum(value => (decimal)value) / values.Length, MidpointRounding.AwayFromZero);
        RollupAssertions.Same(
            JsonSerializer.SerializeToElement(new
            {
                count = values.Length,
                avgMs = average,
                p50Ms = Percentile(50),
                p90Ms = Percentile(90),
                p99Ms = Percentile(99),
                maxMs = values[^1],
            }),
            actual,
            "times");
    }
}
