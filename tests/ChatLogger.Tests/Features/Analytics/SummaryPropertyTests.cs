using System.Globalization;
using System.Text.Json;
using ChatLogger.Rollups;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>Random conversations around clock changes all over the world, partly aggregated: the summary equals counting by hand.</summary>
public partial class SummaryPropertyTests(App app) : IClassFixture<App>
{
    private static readonly string[] Roles = ["user", "assistant", "system", "developer", "tool", "function"];
    private static readonly string[] TagPool = ["billing", "Ä", "z", "vip"];

    private readonly RollupWorker _worker = app.Worker(rows: 5);

    [Theory]
    [InlineData("Europe/Amsterdam", "2026-03-29T01:00:00Z")]
    [InlineData("Europe/Amsterdam", "2026-10-25T01:00:00Z")]
    [InlineData("America/New_York", "2026-11-01T06:00:00Z")]
    [InlineData("Australia/Lord_Howe", "2026-04-04T15:00:00Z")]
    [InlineData("Australia/Lord_Howe", "2026-10-03T15:30:00Z")]
    [InlineData("Pacific/Apia", "2011-12-30T10:00:00Z")]
    [InlineData("Pacific/Kwajalein", "1993-08-21T12:00:00Z")]
    [InlineData("America/Sao_Paulo", "2018-11-04T03:00:00Z")]
    [InlineData("America/Sao_Paulo", "2018-02-18T02:00:00Z")]
    [InlineData("America/St_Johns", "2010-11-07T02:31:00Z")]
    [InlineData("America/Havana", "2025-11-02T05:00:00Z")]
    [InlineData("Asia/Beirut", "2026-03-28T22:00:00Z")]
    [InlineData("Asia/Kathmandu", "1985-12-31T18:30:00Z")]
    [InlineData("Africa/Casablanca", "2026-02-15T02:00:00Z")]
    [InlineData("Antarctica/Troll", "2026-03-29T01:00:00Z")]
    [InlineData("UTC", "2026-06-15T00:00:00Z")]
    public void The_summary_equals_a_recount_of_the_rows(string zone, string change)
    {
        var random = from events in Gen.ListOf(AnyEvent, 40)
                     from length in Gen.Choose(1, 6 * 24 * 4)
                     from start in Gen.Choose(-4 * 24 * 4, 2 * 24 * 4)
                     from whole in Gen.Elements(true, false)
                     from tag in Gen.Elements(null, null, "billing", "none")
                     from aggregated in Gen.Choose(0, 8)
                     select (Events: events.ToArray(), Start: start, Length: length, Whole: whole, Tag: tag, Aggregated: aggregated);

        var at = DateTimeOffset.Parse(change, CultureInfo.InvariantCulture);
        var calendar = new Recount.Calendar(TimeZoneInfo.FindSystemTimeZoneById(zone));
        Prop.ForAll(
                random.ToArbitrary(),
                sample =>
                    Check(zone, calendar, at, sample.Events, sample.Start, sample.Length, sample.Whole, sample.Tag, sample.Aggregated)
                        .GetAwaiter()
                        .GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(TestLength.Cases(inShort: 3, inLong: 12)));
    }

    private async Task Check(
        string zone,
        Recount.Calendar calendar,
        DateTimeOffset change,
        GeneratedEvent[] events,
        int startQuarter,
        int quarters,
        bool whole,
        string? tag,
        int aggregated)
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");
        var chats = Chats(events, change, member.Id);
        await Insert(acme.Id, chats.Take(aggregated));
        if (aggregated > 0)
            await app.Aggregate(acme, _worker);
        await Insert(acme.Id, chats.Skip(aggregated));

        string fromText, toText;
        DateTimeOffset from, to;
        if (whole)
        {
            var (first, last) = (
                calendar.DayOf(change.AddMinutes(15 * startQuarter)),
                calendar.DayOf(change.AddMinutes(15 * (startQuarter + quarters))).AddDays(1));
            (fromText, toText) = (
                first.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                last.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            (from, to) = (calendar.Start(first), calendar.Start(last));
        }
        else
        {
            (from, to) = (change.AddMinutes(15 * startQuarter), change.AddMinutes(15 * (startQuarter + quarters)));
            (fromText, toText) = (Text(from), Text(to));
        }

        var summary = await Summary(member.Caller, fromText, toText, zone, tag);
        var recount = new Recount(chats, from, to, calendar, tag);
        Assert.Equal(Text(from), summary.GetProperty("from").GetString());
        Assert.Equal(Text(to), summary.GetProperty("to").GetString());
        // Without prices there is no cost.
        Assert.Equal(recount.Totals() + " ", Line(summary.GetProperty("totals")));
        Assert.Equal(recount.Previous() + " ", Line(summary.GetProperty("previous")));
        AreClose(recount.Latency(), Line(summary.GetProperty("latency")));
        Assert.Equal(recount.Roles(), Lines(summary, "roles"));
        Assert.Equal(recount.Users(10), Lines(summary, "topUsers"));
        Assert.Equal(recount.Anonymous(), Line(summary.GetProperty("anonymous")));
        Assert.Equal(recount.Tags(), Lines(summary, "tags"));
        var counted = recount.Days().ToArray();
        var days = summary
            .GetProperty("days")
            .EnumerateArray()
            .Select(day =>
                (
                    day.GetProperty("day").GetString()!,
                    day.GetProperty("chats").GetInt64(),
                    day.GetProperty("messages").GetInt64(),
                    day.GetProperty("tokens").GetInt64(),
                    Line(day.GetProperty("latency"))))
            .ToArray();
        Assert.Equal(
            counted.Select(day => (day.Day, day.Chats, day.Messages, day.Tokens)),
            days.Select(day => (day.Item1, day.Item2, day.Item3, day.Item4)));
        foreach (var (expected, actual) in counted.Zip(days))
            AreClose(expected.Latency, actual.Item5);
        Assert.Equal(summary.GetProperty("totals").GetProperty("messages").GetInt64(), days.Sum(day => day.Item3));

        // The counts of two adjacent ranges add up to the counts of both together.
        var middle = from + TimeSpan.FromMinutes(15 * (int)((to - from).TotalMinutes / 30));
        if (middle > from)
        {
            var left = (await Summary(member.Caller, Text(from), Text(middle), zone, tag)).GetProperty("totals");
            var right = (await Summary(member.Caller, Text(middle), Text(to), zone, tag)).GetProperty("totals");
            foreach (var name in new[] { "chats", "messages", "tokens", "promptTokens", "completionTokens", "feedbackUp", "feedbackDown" })
                Assert.Equal(
                    summary.GetProperty("totals").GetProperty(name).GetInt64(),
                    left.GetProperty(name).GetInt64() + right.GetProperty(name).GetInt64());
        }
    }

    private static async Task<JsonElement> Summary(Caller caller, string from, string to, string zone, string? tag) =>
        (await caller.Get($"/analytics/orgs/me/summary?from={from}&to={to}&tz={zone}{(tag is null ? "" : "&tag=" + tag)}")).Is(200).Json;

    // Count, average, four percentiles, maximum: percentiles may be off by one per cent.
    private static void AreClose(string expected, string actual)
    {
        var (left, right) = (expected.Split(' '), actual.Split(' '));
        Assert.Equal(left.Length, right.Length);
        for (var i = 0; i < left.Length; i++)
        {
            if (i is >= 2 and <= 5)
                RollupAssertions.AreClose(
                    long.Parse(left[i], CultureInfo.InvariantCulture),
                    long.Parse(right[i], CultureInfo.InvariantCulture),
                    expected);
            else
                Assert.Equal(left[i], right[i]);
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, params object?[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(value is DateTimeOffset at
                ? new NpgsqlParameter { Value = at.ToUniversalTime(), NpgsqlDbType = NpgsqlDbType.TimestampTz }
                : new NpgsqlParameter { Value = value ?? DBNull.Value });
        batch.BatchCommands.Add(command);
    }

    private static IEnumerable<string> Lines(JsonElement summary, string list) => summary.GetProperty(list).EnumerateArray().Select(Line);

    private static string Line(JsonElement shape) =>
        shape.ValueKind == JsonValueKind.Null
            ? "null"
            : string.Join(
                ' ',
                shape.EnumerateObject().Select(property => property.Value.ValueKind == JsonValueKind.Null ? "" : property.Value.ToString())
            );
}
