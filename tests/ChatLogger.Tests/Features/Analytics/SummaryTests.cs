namespace ChatLogger.Tests.Features.Analytics;

public class SummaryTests(App app) : IClassFixture<App>
{
    private const string Path = "/analytics/orgs/me/summary";

    [Fact]
    public async Task An_organization_without_data_gets_zeros_and_thirty_days_that_end_with_today()
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Member("viewer")).Caller.Get(Path)).Is(200);

        Assert.Equal(
            ["from", "to", "tz", "asOf", "totals", "previous", "days", "latency", "roles", "topUsers", "anonymous", "tags", "models"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        const string Zeros =
            """{"chats":0,"messages":0,"endUsers":0,"tokens":0,"promptTokens":0,"completionTokens":0,"feedbackUp":0,"feedbackDown":0,"""
            + "\"cost\":null}";
        Assert.Equal(Zeros, answer["totals"].GetRawText());
        Assert.Equal(Zeros, answer["previous"].GetRawText());
        Assert.Equal("null", answer["latency"].GetRawText());
        Assert.Equal("[]", answer["roles"].GetRawText());
        Assert.Equal("[]", answer["topUsers"].GetRawText());
        Assert.Equal("""{"chats":0,"messages":0,"tokens":0}""", answer["anonymous"].GetRawText());
        Assert.Equal("[]", answer["tags"].GetRawText());
        Assert.Equal("[]", answer["models"].GetRawText());
        Assert.Equal("UTC", answer.Text("tz"));
        var days = answer["days"].EnumerateArray().Select(day => day.GetRawText()).ToArray();
        Assert.Equal(30, days.Length);
        Assert.Equal($$"""{"day":"{{app.Clock.GetUtcNow():yyyy-MM-dd}}","chats":0,"messages":0,"tokens":0,"latency":null}""", days[^1]);
    }

    [Fact]
    public async Task Acknowledged_messages_are_in_the_export()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Say(await globex.Chat(new { externalUserId = "v-9" }), "theirs");
        var ann = await acme.Member("user");
        var chat = await acme.Chat(new { externalUserId = "v-1", userId = ann.Id, tags = new[] { "billing" } });
        var plugin = await acme.Plugin();
        var admin = await acme.Admin();

        for (var i = 1; i <= 5; i++)
        {
            (
                await plugin.Post(
                    $"{acme.ApiPath}/chats/{chat}/messages",
                    new
                    {
                        role = "assistant",
                        content = "x",
                        latencyMs = i * 10,
                        promptTokens = 3,
                        completionTokens = 4,
                    })
            ).Is(201);
            var totals = (await admin.Get(Path)).Is(200)["totals"];
            Assert.Equal(i, totals.GetProperty("messages").GetInt32());
            Assert.Equal(7 * i, totals.GetProperty("tokens").GetInt32());
        }

        var answer = (await admin.Get(Path)).Is(200);
        Assert.Equal("""{"count":5,"avgMs":30,"p50Ms":30,"p90Ms":50,"p95Ms":50,"p99Ms":50,"maxMs":50}""", answer["latency"].GetRawText());
        Assert.Equal("""[{"role":"assistant","messages":5}]""", answer["roles"].GetRawText());
        Assert.Equal("""[{"tag":"billing","chats":1,"messages":5}]""", answer["tags"].GetRawText());
        Assert.Equal(1, answer["totals"].GetProperty("endUsers").GetInt32());
        Assert.StartsWith(
            $$"""[{"userId":"{{ann.Id}}","externalUserId":"v-1","chats":1,"messages":5,"tokens":35,"lastSeenAt":""",
            answer["topUsers"].GetRawText(),
            StringComparison.Ordinal);

        await app.Delete(acme, Guid.Parse(chat));
        Assert.Equal(0, (await admin.Get(Path)).Is(200)["totals"].GetProperty("messages").GetInt32());
    }

    [Fact]
    public async Task The_organizations_zone_cuts_the_days_when_none_is_given()
    {
        var acme = await app.Org("acme");
        await app.Execute("update organizations set time_zone = 'Pacific/Kiritimati' where id = @Id", new { acme.Id });

        var answer = (await (await acme.Admin()).Get($"{Path}?from=2026-03-01&to=2026-03-02")).Is(200);

        Assert.Equal("Pacific/Kiritimati", answer.Text("tz"));
        Assert.Equal("2026-02-28T10:00:00.000Z", answer.Text("from"));
        Assert.Equal("2026-03-01T10:00:00.000Z", answer.Text("to"));
        Assert.Equal("2026-03-01", answer["days"].EnumerateArray().Single().GetProperty("day").GetString());
    }

    [Theory]
    [InlineData("Europe/Amsterdam", "2026-03-29", 23)]
    [InlineData("Europe/Amsterdam", "2026-10-25", 25)]
    [InlineData("Australia/Lord_Howe", "2026-04-05", 24.5)]
    [InlineData("America/Sao_Paulo", "2018-11-04", 23)]
    public async Task A_day_is_as_long_as_the_zone_says(string zone, string day, double hours)
    {
        var acme = await app.Org("acme");

        var answer = (
            await (await acme.Admin()).Get(
                $"{Path}?from={day}&to={DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture).AddDays(1):yyyy-MM-dd}&tz="
                    + $"{zone}")
        ).Is(200);

        Assert.Equal(hours, (answer["to"].GetDateTimeOffset() - answer["from"].GetDateTimeOffset()).TotalHours);
        Assert.Equal(day, answer["days"].EnumerateArray().Single().GetProperty("day").GetString());
    }

    [Fact]
    public async Task A_day_that_the_zone_left_out_is_not_there()
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Admin()).Get($"{Path}?from=2011-12-29&to=2012-01-01&tz=Pacific/Apia")).Is(200);

        Assert.Equal(["2011-12-29", "2011-12-31"], answer["days"].EnumerateArray().Select(day => day.GetProperty("day").GetString()!));
    }

    [Fact]
    public async Task Days_are_in_order_also_where_the_clock_was_set_back_over_midnight()
    {
        var acme = await app.Org("acme");

        // 00:00 came twice in that night: one minute after the first time it was 23:01 of the day before again.
        var answer = (await (await acme.Admin()).Get($"{Path}?from=2010-11-07&to=2010-11-09&tz=America/St_Johns")).Is(200);

        Assert.Equal(
            ["2010-11-06", "2010-11-07", "2010-11-08"],
            answer["days"].EnumerateArray().Select(day => day.GetProperty("day").GetString()!));
    }

    [Theory]
    [InlineData("tz=Mars/Olympus", "tz")]
    [InlineData("tz=europe/amsterdam", "tz")]
    [InlineData("tz=", "tz")]
    [InlineData("tz=W. Europe Standard Time", "tz")]
    [InlineData("from=2026-02-30", "from")]
    [InlineData("from=2026-2-3", "from")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-01-01T00:00:00", "from")]
    [InlineData("from=0001-01-01", "from")]
    [InlineData("to=9999-12-31", "to")]
    [InlineData("to=9999-12-31T23:59:59.9999999Z", "to")]
    [InlineData("from=0001-01-01T00:00:00Z", "from")]
    [InlineData("from=2026-01-02&to=2026-01-02", "from")]
    [InlineData("from=2026-01-02&to=2026-01-01", "from")]
    [InlineData("from=2025-01-01&to=2026-01-03", "from")]
    [InlineData("from=0002-01-01&to=0002-01-02", "from")]
    [InlineData("top=0", "top")]
    [InlineData("top=51", "top")]
    [InlineData("top=1.5", "top")]
    [InlineData("topp=1", "query")]
    public async Task An_invalid_range_is_refused(string query, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Get($"{Path}?{query}")).IsInvalid(path);
    }

    [Fact]
    public async Task A_year_is_not_too_long()
    {
        var acme = await app.Org("acme");

        var answer = (await (await acme.Admin()).Get($"{Path}?from=2024-01-01&to=2025-01-01&tz=Europe/Amsterdam")).Is(200);

        Assert.Equal(366, answer["days"].GetArrayLength());
    }

    [Fact]
    public async Task Viewers_admins_and_superadmins_by_slug_may_ask()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");

        (await (await acme.Member("viewer")).Caller.Get(Path)).Is(200);
        (await (await app.Superadmin()).Get($"/analytics/orgs/{acme.Slug}/summary")).Is(200);
        (await (await app.Superadmin()).Get(Path)).IsProblem(409, "no-organization");
        (await (await acme.Member("user")).Caller.Get(Path)).IsProblem(403, "forbidden");
        (await (await globex.Admin()).Get($"/analytics/orgs/{acme.Slug}/summary")).IsProblem(404, "not-found");
        (await (await acme.Plugin()).Get(Path)).IsProblem(401, "unauthenticated");
        (await app.Stranger.Get(Path)).IsProblem(401, "unauthenticated");
    }
}
