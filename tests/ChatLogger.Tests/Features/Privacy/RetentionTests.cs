using ChatLogger.Features;
using ChatLogger.Rollups;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Integrations;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Privacy;

/// <summary>
/// Chats are removed when their last message is older than their organization keeps them, and older ones cannot be written.
/// </summary>
public class RetentionTests(PrivacyApp app) : IClassFixture<PrivacyApp>
{
    [Fact]
    public async Task What_is_older_is_removed_in_steps_and_what_goes_on_stays()
    {
        var acme = await app.Org("acme");
        var (admin, importer) = (await acme.Admin(), app.Stranger.WithKey(await acme.Key("ingest", "import")));
        var old = new List<string>();
        for (var i = 0; i < 4; i++)
            old.Add(await Chat(importer, acme, 40, 31));
        // Its time is that of its last message, whenever it was opened; without one its own.
        old.Add(await Chat(importer, acme, 1, 35));
        old.Add(await Chat(importer, acme, 31, null));
        var kept = new[] { await Chat(importer, acme, 40, 29), await Chat(importer, acme, 29, null) };
        var globex = await app.Org("globex");
        await Chat(app.Stranger.WithKey(await globex.Key("ingest", "import")), globex, 40, 40);
        await app.FoldAll(acme);
        await app.FoldAll(globex);

        await app.Job<ExpireChats>().Run(CancellationToken.None);
        Assert.Equal(8, (await Listed(admin)).Count);
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 30 } })).Is(200);
        await app.Job<ExpireChats>().Run(CancellationToken.None);

        Assert.Equal(kept.Order(StringComparer.Ordinal), (await Listed(admin)).Order(StringComparer.Ordinal));
        // Six of them, two in a step.
        Assert.Equal(
            ["2", "2", "2"],
            (await admin.Get("/orgs/me/audit?action=chats.expired")).Is(200)["items"].EnumerateArray()
                .Select(each => each.GetProperty("target").GetProperty("id").GetString()));
        await app.FoldAll(acme);
        await app.Job<PurgeChats>().Run(CancellationToken.None);
        Assert.Equal((2, 2, 1), (await acme.Count("chats"), await acme.Count("chat_sums"), await acme.Count("messages")));
        Assert.Equal(1, await globex.Count("chats"));
        Assert.Equal(0, (await app.Services.GetRequiredService<RollupVerifier>().Run(acme.Id, CancellationToken.None)).Differences);
    }

    [Fact]
    public async Task A_message_that_is_not_counted_yet_keeps_its_chat()
    {
        var acme = await app.Org("acme");
        var (admin, importer) = (await acme.Admin(), app.Stranger.WithKey(await acme.Key("ingest", "import")));
        var chat = await Chat(importer, acme, 40, 31);
        await app.FoldAll(acme);
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 30 } })).Is(200);
        await acme.Say(chat, "and now");

        await app.Job<ExpireChats>().Run(CancellationToken.None);

        Assert.Equal([chat], await Listed(admin));
    }

    [Fact]
    public async Task What_is_older_cannot_be_written_until_the_organization_keeps_chats_for_ever_again()
    {
        var acme = await app.Org("acme");
        var (admin, importer) = (await acme.Admin(), app.Stranger.WithKey(await acme.Key("ingest", "import")));
        var chat = await acme.Chat();
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 30 } })).Is(200);
        var createdAt = DateTimeOffset.UtcNow.AddDays(-31);

        (await importer.Post($"{acme.ApiPath}/chats", new { createdAt })).IsInvalid("createdAt");
        var message = new { role = "user", content = "x", createdAt };
        (await importer.Post($"{acme.ApiPath}/chats/{chat}/messages", message)).IsInvalid("createdAt");
        var items = new object[]
        {
            new { type = "chat", createdAt }, new { type = "message", chatId = chat, role = "user", content = "x", createdAt },
            new { type = "feedback", chatId = chat, rating = "up", createdAt }, new { type = "chat" },
        };
        var results = (await importer.Post($"{acme.ApiPath}/batch", new { items })).Is(207)["results"];
        Assert.Equal([400, 400, 400, 201], results.EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
        var span = OtlpExports.Chat(OtlpExports.TraceId(), OtlpExports.SpanId(), createdAt, "s", ["q"], "a");
        var traces = (await importer.Post("/v1/traces", OtlpExports.Export(span))).Is(200);
        Assert.Contains("30 days", traces["partialSuccess"].GetProperty("errorMessage").GetString(), StringComparison.Ordinal);

        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 1 } })).Is(200);
        var refused = (await importer.Post($"{acme.ApiPath}/chats", new { createdAt })).IsInvalid("createdAt");
        Assert.Equal(
            "Is older than the 1 day for which this organization keeps chats.",
            refused["errors"].GetProperty("createdAt")[0].GetString());
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 0 } })).Is(200);
        (await importer.Post($"{acme.ApiPath}/chats", new { createdAt })).Is(201);
    }

    private static async Task<string> Chat(Caller importer, Org org, int days, int? lastMessage)
    {
        var now = DateTimeOffset.UtcNow;
        var chat = (await importer.Post($"{org.ApiPath}/chats", new { createdAt = now.AddDays(-days) })).Is(201).Text("id");
        if (lastMessage is { } last)
            (await importer.Post(
                $"{org.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x", createdAt = now.AddDays(-last) })).Is(201);
        return chat;
    }

    private static async Task<List<string?>> Listed(Caller admin) =>
        [.. (await admin.Get("/orgs/me/chats")).Is(200)["items"].EnumerateArray().Select(each => each.GetProperty("id").GetString())];
}
