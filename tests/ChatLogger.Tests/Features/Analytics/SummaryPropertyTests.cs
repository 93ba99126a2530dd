using System.Globalization;
using System.Text.Json;
using ChatLogger.Rollups;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>Random conversations around clock changes all over the world, partly aggregated: the summary equals counting by hand.</summary>
public class SummaryPropertyTests(App app) : IClassFixture<App>
{
    private static readonly string[] Roles = ["user", "assistant", "system", "developer", "tool", "function"];
    private static readonly string[] TagPool = ["billing", "Ä", "z", "vip"];

    private readonly RollupWorker _folder = app.Folder(rows: 5);

    /// <summary>What happens at some time before or after the change of the clocks.</summary>
    public sealed record GeneratedEvent(
        int Minutes,
        int Milliseconds,
        int Chat,
        int Role,
        int? Latency,
        int? Tokens,
        int? Prompt,
        int? Completion,
        int Rating);

    private static readonly Gen<GeneratedEvent> Happenings =
        from minutes in Gen.OneOf(Gen.Choose(-4 * 24 * 60, 4 * 24 * 60), Gen.Choose(-60, 60).Select(quarter => quarter * 15))
        from milliseconds in Gen.Elements(0, 0, 1, 59_999, -1)
        from chat in Gen.Choose(0, 7)
        from role in Gen.Choose(0, Roles.Length - 1)
        from latency in Gen.OneOf(
            Gen.Constant((int?)null),
            Gen.Choose(0, 40).Select(value => (int?)value),
            Gen.Choose(0, 86_400_000).Select(value => (int?)value))
        from tokens in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 10_000_000).Select(value => (int?)value))
        from prompt in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 1_000).Select(value => (int?)value))
        from completion in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 1_000).Select(value => (int?)value))
        from rating in Gen.Choose(0, 9)
        select new GeneratedEvent(minutes, milliseconds, chat, role, latency, tokens, prompt, completion, rating);

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
    public void The_summary_is_what_counting_by_hand_comes_to(string zone, string change)
    {
        var random = from events in Gen.ListOf(Happenings, 40)
                     from length in Gen.Choose(1, 6 * 24 * 4)
                     from start in Gen.Choose(-4 * 24 * 4, 2 * 24 * 4)
                     from whole in Gen.Elements(true, false)
                     from tag in Gen.Elements(null, null, "billing", "none")
                     from folded in Gen.Choose(0, 8)
                     select (Events: events.ToArray(), Start: start, Length: length, Whole: whole, Tag: tag, Folded: folded);

        var at = DateTimeOffset.Parse(change, CultureInfo.InvariantCulture);
        var calendar = new Recount.Calendar(TimeZoneInfo.FindSystemTimeZoneById(zone));
        Prop.ForAll(
                random.ToArbitrary(),
                sample =>
                    Check(zone, calendar, at, sample.Events, sample.Start, sample.Length, sample.Whole, sample.Tag, sample.Folded)
                        .GetAwaiter()
                        .GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(12));
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
        int folded)
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");
        var chats = Chats(events, change, member.Id);
        await Insert(acme.Id, chats.Take(folded));
        if (folded > 0)
            await app.Fold(acme, _folder);
        await Insert(acme.Id, chats.Skip(folded));

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
        Assert.Equal(recount.Totals(), Line(summary.GetProperty("totals")));
        Assert.Equal(recount.Previous(), Line(summary.GetProperty("previous")));
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

        // Two ranges that meet hold what the whole of them holds.
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

    private static Recount.Chat[] Chats(GeneratedEvent[] events, DateTimeOffset change, Guid member) =>
        [
            .. events
                .GroupBy(each => each.Chat)
                .Select(chat => new Recount.Chat(
                    Guid.CreateVersion7(),
                    At(chat.First(), change).AddMilliseconds(-7),
                    [.. TagPool.Where((_, i) => (chat.Key >> (i % 3) & 1) == 1)],
                    chat.Key is 1 or 2 or 3 ? member : null,
                    chat.Key is 0 or 1 ? null
                        : chat.Key is 2 ? "Ünal"
                        : $"v-{chat.Key % 3}",
                    chat.Key == 7,
                    [
                        .. chat.Select(each => new Recount.Message(
                            At(each, change),
                            Roles[each.Role],
                            each.Latency,
                            each.Tokens,
                            each.Prompt,
                            each.Completion)),
                    ],
                    [
                        .. chat.Where(each => each.Rating < 3)
                            .Select(each => new Recount.Rating(At(each, change).AddMinutes(1), each.Rating == 0)),
                    ])),
        ];

    // Each row in a transaction of its own, as it would come to be, though all go in one round trip.
    private async Task Insert(Guid org, IEnumerable<Recount.Chat> chats)
    {
        await using var batch = app.Rows.CreateBatch();
        batch.EnableErrorBarriers = true;
        foreach (var chat in chats)
        {
            Add(batch,
                "insert into chats (org_id, id, tags, user_id, external_user_id, created_at, updated_at, deleted_at) values ($1, $2, $3, "
                    + "$4, $5, $6, $6, $7)",
                org, chat.Id, chat.Tags, chat.UserId, chat.ExternalUserId, chat.At, chat.Deleted ? DateTimeOffset.UtcNow : null);
            foreach (var message in chat.Messages)
            {
                Add(batch,
                    "insert into messages (org_id, chat_id, id, role, content, created_at, latency_ms, token_count, prompt_tokens, "
                        + "completion_tokens) values ($1, $2, $3, $4, 'x', $5, $6, $7, $8, $9)",
                    org,
                    chat.Id,
                    Guid.CreateVersion7(),
                    message.Role,
                    message.At,
                    message.LatencyMs,
                    message.TokenCount,
                    message.PromptTokens,
                    message.CompletionTokens);
            }
            foreach (var rating in chat.Ratings)
            {
                Add(batch,
                    "insert into feedback (org_id, chat_id, target_id, rating, at) values ($1, $2, $3, $4, $5)",
                    org, chat.Id, Guid.CreateVersion7(), rating.Up ? "up" : "down", rating.At);
            }
        }
        if (batch.BatchCommands.Count > 0)
            await batch.ExecuteNonQueryAsync();
    }

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

    private static DateTimeOffset At(GeneratedEvent each, DateTimeOffset change) =>
        change.AddMinutes(each.Minutes).AddMilliseconds(each.Milliseconds);

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Lines(JsonElement summary, string list) => summary.GetProperty(list).EnumerateArray().Select(Line);

    private static string Line(JsonElement shape) =>
        shape.ValueKind == JsonValueKind.Null
            ? "null"
            : string.Join(
                ' ',
                shape.EnumerateObject().Select(property => property.Value.ValueKind == JsonValueKind.Null ? "" : property.Value.ToString())
            );
}
