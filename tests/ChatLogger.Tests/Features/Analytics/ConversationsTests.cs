using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Analytics;

public partial class ConversationsTests(RollupApp app) : IClassFixture<RollupApp>
{
    private const string Path = "/analytics/orgs/me/conversations";
    private const string Nothing =
        """
        "chats":0,"messages":0,"withoutAssistant":0,"withFeedback":0,"feedbackShare":null,"feedbackUp":0,"feedbackDown":0,
        """ + """
        "messagesPerChat":null,"firstAssistant":null,"duration":null}
        """;

    [Fact]
    public async Task An_organization_without_data_gets_zeros_for_thirty_days_and_for_every_hour_of_the_week()
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Member("viewer")).Caller.Get(Path)).Is(200);

        Assert.Equal(
            ["from", "to", "tz", "asOf", "totals", "days", "weekdays"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("{" + Nothing.Trim(), answer["totals"].GetRawText());
        var days = answer["days"].EnumerateArray().Select(day => day.GetRawText()).ToArray();
        Assert.Equal(30, days.Length);
        Assert.Equal($$"""{"day":"{{app.Clock.GetUtcNow():yyyy-MM-dd}}",{{Nothing.Trim()}}""", days[^1]);
        Assert.Equal(Enumerable.Range(1, 7), answer["weekdays"].EnumerateArray().Select(weekday => weekday.GetProperty("day").GetInt32()));
        Assert.All(
            answer["weekdays"].EnumerateArray(),
            weekday => Assert.Equal(new int[24], weekday.GetProperty("hours").EnumerateArray().Select(hour => hour.GetInt32())));
    }

    [Fact]
    public async Task Chats_are_counted_by_the_day_they_began_and_messages_by_their_hour()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Say(await globex.Chat(), "theirs");
        // A Sunday in Amsterdam, on which the clock goes from 3 back to 2: the hour from 2 comes twice.
        var importer = app.Stranger.WithKey(await acme.Key("ingest", "import"));
        var batch = (await importer.Post($"{acme.ApiPath}/batch", new
        {
            items = new object[]
            {
                new { type = "chat", @ref = "a", createdAt = "2026-10-24T23:30:00Z", tags = new[] { "vip" } },
                new { type = "message", chatRef = "a", role = "user", content = "x", createdAt = "2026-10-24T23:30:01Z" },
                new { type = "message", chatRef = "a", role = "assistant", content = "x", createdAt = "2026-10-25T00:30:00Z" },
                new { type = "message", chatRef = "a", role = "assistant", content = "x", createdAt = "2026-10-25T01:30:00.500Z" },
                new { type = "chat", @ref = "b", createdAt = "2026-10-25T12:00:00Z" },
                new { type = "message", chatRef = "b", role = "user", content = "x", createdAt = "2026-10-26T12:00:00Z" },
                new { type = "chat", createdAt = "2026-10-26T22:59:59.999Z" },
                // Of another day.
                new { type = "chat", @ref = "d", createdAt = "2026-10-26T23:00:00Z" },
                new { type = "message", chatRef = "d", role = "assistant", content = "x", createdAt = "2026-10-25T23:00:00Z" },
            },
        })).Is(207);
        string Id(int item) => batch["results"][item].GetProperty("id").GetString()!;
        (await importer.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{Id(0)}/feedback", new { rating = "up" })).Is(200);
        (await importer.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{Id(0)}/messages/{Id(2)}/feedback", new { rating = "down" })).Is(200);
        var admin = await acme.Admin();

        var answer = (await admin.Get($"{Path}?from=2026-10-25&to=2026-10-27&tz=Europe/Amsterdam")).Is(200);

        Assert.Equal(
            """
            {"chats":3,"messages":4,"withoutAssistant":2,"withFeedback":1,"feedbackShare":0.3333,"feedbackUp":1,"feedbackDown":1,
            "messagesPerChat":{"avg":1.3333,"p50":1,"p90":3,"p99":3,"max":3},
            "firstAssistant":{"count":1,"avgMs":3600000,"p50Ms":3600000,"p90Ms":3600000,"p99Ms":3600000,"maxMs":3600000},
            "duration":{"count":2,"avgMs":3599750,"p50Ms":0,"p90Ms":7199500,"p99Ms":7199500,"maxMs":7199500}}
            """.ReplaceLineEndings(""),
            answer["totals"].GetRawText());
        Assert.Equal([("2026-10-25", 2, 4), ("2026-10-26", 1, 0)], answer["days"].EnumerateArray().Select(day => (
            day.GetProperty("day").GetString()!, day.GetProperty("chats").GetInt32(), day.GetProperty("messages").GetInt32())));
        Assert.Equal(["1:0=1", "1:13=1", "7:1=1", "7:2=2"], Hours(answer.Json));
        var vip = (await admin.Get($"{Path}?from=2026-10-25&to=2026-10-27&tz=Europe/Amsterdam&tag=vip")).Is(200);
        Assert.Equal(["7:1=1", "7:2=2"], Hours(vip.Json));
        Assert.Equal(1, vip["totals"].GetProperty("chats").GetInt32());

        await app.FoldAll(acme);
        Assert.Equal(
            answer["weekdays"].GetRawText(),
            (await admin.Get($"{Path}?from=2026-10-25&to=2026-10-27&tz=Europe/Amsterdam")).Is(200)["weekdays"].GetRawText());
        await app.Delete(acme, Guid.Parse(Id(0)));
        var rest = (await admin.Get($"{Path}?from=2026-10-25&to=2026-10-27&tz=Europe/Amsterdam")).Is(200);
        Assert.Equal(["1:0=1", "1:13=1"], Hours(rest.Json));
        Assert.Equal(2, rest["totals"].GetProperty("chats").GetInt32());
        Assert.Equal(0, rest["totals"].GetProperty("feedbackUp").GetInt32());
    }

    [Fact]
    public async Task A_reply_that_is_dated_back_lowers_the_greatest_time_to_the_first_reply()
    {
        var (acme, start) = (await app.Org("acme"), app.Clock.GetUtcNow().AddDays(-3));
        var importer = app.Stranger.WithKey(await acme.Key("ingest", "import"));
        var chat = (await importer.Post($"{acme.ApiPath}/chats", new { createdAt = start })).Is(201)["id"].GetString();
        Task Reply(double hours) => importer.Post(
            $"{acme.ApiPath}/chats/{chat}/messages", new { role = "assistant", content = "x", createdAt = start.AddHours(hours) });
        var admin = await acme.Admin();
        async Task<string> Times() => (await admin.Get(Path)).Is(200)["totals"].GetProperty("firstAssistant").GetRawText();
        static string Once(long ms) => $$"""{"count":1,"avgMs":{{ms}},"p50Ms":{{ms}},"p90Ms":{{ms}},"p99Ms":{{ms}},"maxMs":{{ms}}}""";
        await Reply(hours: 24);
        await app.FoldAll(acme);
        Assert.Equal(Once(24 * 3_600_000), await Times());

        await Reply(hours: 1);

        Assert.Equal(Once(3_600_000), await Times());
        Assert.Equal(0, await app.Waiting(acme));
    }

    [Theory]
    [InlineData("tz=Mars/Olympus", "tz")]
    [InlineData("from=2026-02-30", "from")]
    [InlineData("from=2026-01-02&to=2026-01-02", "from")]
    [InlineData("from=2025-01-01&to=2026-01-03", "from")]
    [InlineData("top=5", "query")]
    public async Task An_invalid_range_is_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Get($"{Path}?{query}")).IsInvalid(path);
    }
}
