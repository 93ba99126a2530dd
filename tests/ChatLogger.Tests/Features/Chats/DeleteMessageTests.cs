using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Exports;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>A member deletes one message.</summary>
public class DeleteMessageTests(RollupApp app) : IClassFixture<RollupApp>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_is_in_no_read_and_no_count_whether_or_not_it_was_aggregated(bool aggregated)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { tags = new[] { "a" }, externalUserId = "v" });
        var kept = await acme.Say(chat, "kept");
        var gone = (await plugin.Post(
            $"{acme.ApiPath}/chats/{chat}/messages",
            new { role = "assistant", content = "GONE", latencyMs = 9_000, tokenCount = 7 })).Is(201).Text("id");
        foreach (var message in new[] { kept, gone })
            (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "up" })).Is(200);
        if (aggregated)
            await app.FoldAll(acme);
        var path = $"/orgs/me/chats/{chat}/messages/{gone}";

        (await admin.Delete(path)).Is(204);

        (await admin.Delete(path)).IsProblem(404, "not-found");
        var list = (await admin.Get($"/orgs/me/chats/{chat}/messages")).Is(200);
        Assert.Equal([kept], list["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()));
        var item = (await admin.Get("/orgs/me/chats")).Is(200)["items"][0];
        Assert.Equal((1, "kept"), (item.GetProperty("messageCount").GetInt32(), item.GetProperty("preview").GetString()));
        Assert.Empty((await admin.Get("/orgs/me/chats?q=GONE")).Is(200)["items"].EnumerateArray());
        Assert.DoesNotContain(
            "GONE", (await admin.Post(ExportFixture.Path, new { format = "jsonl" })).Is(200).Body, StringComparison.Ordinal);
        var totals = (await admin.Get("/analytics/orgs/me/summary")).Is(200)["totals"];
        Assert.Equal(
            (1, 1, 0, 1),
            (totals.GetProperty("chats").GetInt32(), totals.GetProperty("messages").GetInt32(), totals.GetProperty("tokens").GetInt32(),
                totals.GetProperty("feedbackUp").GetInt32()));
        Assert.Equal(1, await acme.Count("feedback"));
        await app.FoldAll(acme);
        Assert.Equal(
            totals.GetRawText(), (await admin.Get("/analytics/orgs/me/summary")).Is(200)["totals"].GetRawText());
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{gone}/feedback", new { rating = "up" }))
            .IsProblem(404, "not-found");
    }

    [Fact]
    public async Task A_retry_of_the_request_that_wrote_it_is_a_404()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        Task<Answer> Say() => plugin.Send(
            HttpMethod.Post,
            $"{acme.ApiPath}/chats/{chat}/messages",
            Caller.Json("""{"role":"user","content":"x"}"""u8.ToArray()),
            request => request.Headers.Add("Idempotency-Key", "k"));
        var message = (await Say()).Is(201).Text("id");

        (await (await acme.Admin()).Delete($"/orgs/me/chats/{chat}/messages/{message}")).Is(204);

        (await Say()).IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_user_deletes_in_their_own_chats_and_nobody_in_those_of_others()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (ann, viewer) = (await acme.Member("user"), await acme.Member("viewer"));
        var (own, other) = (await acme.Chat(new { userId = ann.Id }), await acme.Chat());
        var (mine, theirs) = (await acme.Say(own, "x"), await acme.Say(other, "x"));

        (await ann.Caller.Delete($"/orgs/me/chats/{other}/messages/{theirs}")).IsProblem(404, "not-found");
        (await ann.Caller.Delete($"/orgs/me/chats/{own}/messages/{theirs}")).IsProblem(404, "not-found");
        (await viewer.Caller.Delete($"/orgs/me/chats/{own}/messages/{mine}")).IsProblem(403, "forbidden");
        (await (await globex.Admin()).Delete($"/orgs/me/chats/{own}/messages/{mine}")).IsProblem(404, "not-found");
        Assert.Equal(2, await acme.Count("messages"));
        (await ann.Caller.Delete($"/orgs/me/chats/{own}/messages/{mine}")).Is(204);
        Assert.Equal(1, await acme.Count("messages"));
    }

    // The rating has read the message and waits for the lock of another one, while the message is deleted.
    [Fact]
    public async Task A_rating_that_is_being_given_is_deleted_with_it()
    {
        var acme = await app.Org("acme");
        var (plugin, admin) = (await acme.Plugin(), await acme.Admin());
        var chat = await acme.Chat();
        var (gone, kept) = (await acme.Say(chat, "gone"), await acme.Say(chat, "kept"));
        (await Rate(acme, plugin, chat, kept)).Is(200);
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await Lock($"select from feedback where org_id = '{acme.Id}' and target_id = '{kept}' for update", elsewhere, transaction);
        var ratings = plugin.Post(
            $"{acme.ApiPath}/batch",
            new
            {
                items = new[] { gone, kept }.Select(
                    message => new { type = "feedback", chatId = chat, messageId = message, rating = "up" }),
            });
        await app.Blocked();

        var deletion = admin.Delete($"/orgs/me/chats/{chat}/messages/{gone}");
        await Wait.Until(async () => deletion.IsCompleted || await app.Waiting() == 2);
        await transaction.RollbackAsync();

        (await deletion).Is(204);
        Assert.All((await ratings).Is(207)["results"].EnumerateArray(), each => Assert.Equal(201, each.GetProperty("status").GetInt32()));
        Assert.Equal(1, await acme.Count("feedback"));
    }

    [Fact]
    public async Task A_rating_that_comes_while_it_is_being_deleted_is_deleted_with_it_or_finds_no_message()
    {
        var acme = await app.Org("acme");
        var (plugin, admin) = (await acme.Plugin(), await acme.Admin());
        var chat = await acme.Chat();
        var gone = await acme.Say(chat, "gone");
        await app.FoldAll(acme);
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await Lock($"select from organization_log where org_id = '{acme.Id}' for update", elsewhere, transaction);
        var deletion = admin.Delete($"/orgs/me/chats/{chat}/messages/{gone}");
        await app.Blocked();

        var rating = Rate(acme, plugin, chat, gone);
        await Wait.Until(async () => rating.IsCompleted || await app.Waiting() == 2);
        await transaction.RollbackAsync();

        (await deletion).Is(204);
        Assert.True((await rating).Status is 200 or 404);
        Assert.Equal(0, await acme.Count("feedback"));
    }

    private static Task<Answer> Rate(Org acme, Caller plugin, string chat, string message) =>
        plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "up" });

    private static Task<int> Lock(string sql, NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        new NpgsqlCommand(sql, connection, transaction).ExecuteNonQueryAsync();
}
