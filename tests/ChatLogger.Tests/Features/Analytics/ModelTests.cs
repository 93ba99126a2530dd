using System.Text.Json;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>The summary tells the models of the messages, and what they cost by the organization's prices.</summary>
public class ModelTests(RollupApp app) : IClassFixture<RollupApp>
{
    private const string Path = "/analytics/orgs/me/summary";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_tokens_and_costs_are_counted_by_model(bool aggregated)
    {
        var acme = await app.Org("acme");
        var (plugin, admin) = (await acme.Plugin(), await acme.Admin());
        var (chat, other) = (await acme.Chat(new { tags = new[] { "vip" }, externalUserId = "v" }), await acme.Chat());
        await Say(chat, "user", null, 10, 0);
        await Say(chat, "assistant", "gpt", 1_000_000, 500_000);
        await Say(chat, "assistant", "gpt", 500_000, 0);
        await Say(other, "assistant", "local", 7, 3);
        (await admin.Patch("/orgs/me", new { settings = new { prices = new { gpt = new { prompt = 2.5m, completion = 10m } } } })).Is(200);
        if (aggregated)
            await app.FoldAll(acme);

        var all = (await admin.Get(Path)).Is(200);
        Assert.Equal(
            """[{"model":"gpt","messages":2,"tokens":2000000,"promptTokens":1500000,"completionTokens":500000,"cost":8.75},"""
                + """{"model":"local","messages":1,"tokens":10,"promptTokens":7,"completionTokens":3,"cost":null}]""",
            all["models"].GetRawText());
        Assert.Equal(8.75m, all["totals"].GetProperty("cost").GetDecimal());
        Assert.Equal(0m, all["previous"].GetProperty("cost").GetDecimal());

        var local = (await admin.Get($"{Path}?model=local")).Is(200);
        Assert.Equal("1 1 0", Counts(local["totals"]));
        Assert.Equal("local", local["models"][0].GetProperty("model").GetString());
        var gpt = (await admin.Get($"{Path}?model=gpt&tag=vip")).Is(200);
        Assert.Equal("1 2 1", Counts(gpt["totals"]));
        Assert.Equal(2, gpt["tags"][0].GetProperty("messages").GetInt32());
        Assert.Equal("0 0 0", Counts((await admin.Get($"{Path}?model=none")).Is(200)["totals"]));
        Assert.Equal("0 0 0", Counts((await admin.Get($"{Path}?model=local&tag=vip")).Is(200)["totals"]));

        async Task Say(string where, string role, string? model, int promptTokens, int completionTokens) =>
            (await plugin.Post(
                $"{acme.ApiPath}/chats/{where}/messages", new { role, content = "x", model, promptTokens, completionTokens })).Is(201);
        static string Counts(JsonElement totals) =>
            $"{totals.GetProperty("chats")} {totals.GetProperty("messages")} {totals.GetProperty("endUsers")}";
    }

    [Fact]
    public async Task Prices_are_replaced_whole_validated_and_audited_when_they_change()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var set = await Prices(new { a = new { prompt = 0.000001m, completion = 10_000m }, b = new { prompt = 0, completion = 1 } });
        Assert.Equal(
            """{"a":{"prompt":0.000001,"completion":10000},"b":{"prompt":0,"completion":1}}""",
            set.Is(200)["settings"].GetProperty("prices").GetRawText());
        (await Prices(new { b = new { prompt = 0.0, completion = 1.00 }, a = new { prompt = 0.0000010m, completion = 10_000.0 } })).Is(200);
        (await admin.Patch("/orgs/me", new { name = "Acme Inc." })).Is(200);
        Assert.Equal(2, (await admin.Get("/orgs/me")).Is(200)["settings"].GetProperty("prices").EnumerateObject().Count());
        Assert.Equal("{}", (await Prices(new { })).Is(200)["settings"].GetProperty("prices").GetRawText());
        Assert.Equal(
            3,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Id and action = 'organization.changed'", new { acme.Id }));

        foreach (var prices in new object?[]
        {
            new { a = new { prompt = -1, completion = 1 } },
            new { a = new { prompt = 1, completion = 10_000.000001m } },
            new { a = new { prompt = 0.0000001m, completion = 1 } },
            new { a = new { prompt = 1 } },
            new Dictionary<string, object> { [""] = new { prompt = 1, completion = 1 } },
            new Dictionary<string, object> { [new string('m', 101)] = new { prompt = 1, completion = 1 } },
            new { a = (object?)null },
            Enumerable.Range(0, 201).ToDictionary(n => $"m{n}", _ => new { prompt = 1, completion = 1 }),
        })
            (await Prices(prices)).IsProblem(400, "validation");

        Task<Answer> Prices(object? prices) => admin.Patch("/orgs/me", new { settings = new { prices } });
    }
}
