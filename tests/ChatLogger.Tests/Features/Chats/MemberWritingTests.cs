using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class MemberWritingTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_user_opens_chats_for_themselves_only()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");

        var opened = (await ann.Caller.Post("/orgs/me/chats", new { title = "hers" })).Is(201);
        Assert.Equal($"{ann.Id}", opened.Text("userId"));
        Assert.Equal($"/orgs/me/chats/{opened.Text("id")}", opened.Header("Location"));
        (await ann.Caller.Post("/orgs/me/chats", new { userId = ann.Id })).Is(201);
        (await ann.Caller.Post("/orgs/me/chats", new { userId = bob.Id })).IsProblem(403, "forbidden");
        Assert.Equal(2, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_user_changes_deletes_and_adds_to_their_own_chats_only()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var hers = await acme.Chat(new { userId = ann.Id });
        var said = new { role = "user", content = "hello" };

        (await bob.Caller.Patch($"/orgs/me/chats/{hers}", new { title = "his" })).IsProblem(404, "not-found");
        (await bob.Caller.Post($"/orgs/me/chats/{hers}/messages", said)).IsProblem(404, "not-found");
        (await bob.Caller.Delete($"/orgs/me/chats/{hers}")).IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("messages"));

        Assert.Equal("mine", (await ann.Caller.Patch($"/orgs/me/chats/{hers}", new { title = "mine" })).Is(200).Text("title"));
        (await ann.Caller.Post($"/orgs/me/chats/{hers}/messages", said)).Is(201);
        (await ann.Caller.Delete($"/orgs/me/chats/{hers}")).Is(204);
    }

    [Fact]
    public async Task A_deleted_chat_does_not_exist_for_anybody()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "hello");

        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);

        (await admin.Delete($"/orgs/me/chats/{chat}")).IsProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{chat}")).IsProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{chat}/messages")).IsProblem(404, "not-found");
        Assert.DoesNotContain(chat, (await admin.Get("/orgs/me/chats")).Is(200).Body, StringComparison.Ordinal);
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "more" })).IsProblem(404, "not-found");
        (await plugin.Patch($"{acme.ApiPath}/chats/{chat}", new { title = "t" })).IsProblem(404, "not-found");
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "up" })).IsProblem(
            404,
            "not-found");
        Assert.DoesNotContain(
            message,
            (await admin.Post("/exports/orgs/me", new { format = "jsonl" })).Is(200).Body,
            StringComparison.Ordinal);
    }
}
