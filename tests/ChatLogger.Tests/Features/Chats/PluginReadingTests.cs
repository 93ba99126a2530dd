using ChatLogger.Auth;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>A plugin whose key has the scope read reads the chats of its organization.</summary>
public class PluginReadingTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_plugin_reads_what_members_read()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { title = "Order 7", externalUserId = "v-1" });
        for (var i = 0; i < 3; i++)
            await acme.Say(chat, $"message {i}");
        var admin = await acme.Admin();
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Read));

        Assert.Equal(
            (await admin.Get($"/orgs/me/chats/{chat}")).Is(200).Body,
            (await plugin.Get($"{acme.ApiPath}/chats/{chat}")).Is(200).Body);
        var page = (await plugin.Get($"{acme.ApiPath}/chats/{chat}/messages?limit=2&order=desc")).Is(200);
        Assert.Equal((await admin.Get($"/orgs/me/chats/{chat}/messages?limit=2&order=desc")).Is(200).Body, page.Body);
        var rest = (await plugin.Get($"{acme.ApiPath}/chats/{chat}/messages?limit=2&order=desc&cursor={page.Text("nextCursor")}")).Is(200);
        Assert.Contains("message 0", rest.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("message 1", rest.Body, StringComparison.Ordinal);
        (await plugin.Get($"{acme.ApiPath}/chats/{chat}/messages?limit=201")).IsProblem(400, "validation");
    }

    [Fact]
    public async Task Another_organization_sees_nothing_and_another_scope_opens_nothing()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var chat = await acme.Chat();
        var stranger = app.Stranger.WithKey(await globex.Key(KeyScope.Read));
        var none = (await stranger.Get($"{globex.ApiPath}/chats/{Guid.NewGuid()}")).IsProblem(404, "not-found");

        Assert.Equal(none.Comparable, (await stranger.Get($"{globex.ApiPath}/chats/{chat}")).IsProblem(404, "not-found").Comparable);
        (await stranger.Get($"{acme.ApiPath}/chats/{chat}")).IsProblem(404, "not-found");
        foreach (var scope in new[] { KeyScope.Ingest, KeyScope.Import })
        {
            var other = app.Stranger.WithKey(await acme.Key(scope));
            (await other.Get($"{acme.ApiPath}/chats/{chat}")).IsProblem(403, "forbidden");
            (await other.Get($"{acme.ApiPath}/chats/{chat}/messages")).IsProblem(403, "forbidden");
        }
        (await app.Stranger.WithKey(await acme.Key(KeyScope.Read)).Post($"{acme.ApiPath}/chats", new { })).IsProblem(403, "forbidden");
    }

    [Theory]
    [InlineData(KeyScope.Read)]
    [InlineData(KeyScope.Ingest, KeyScope.Read)]
    [InlineData(KeyScope.Ingest, KeyScope.Import)]
    public async Task A_key_that_does_more_than_ingest_is_refused_from_a_page(params string[] scopes)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var key = app.Stranger.WithKey(await acme.Key(scopes));
        var reads = scopes.Contains(KeyScope.Read);
        Task<Answer> Ask(string? origin) => key.Send(
            reads ? HttpMethod.Get : HttpMethod.Post,
            reads ? $"{acme.ApiPath}/chats/{chat}" : $"{acme.ApiPath}/chats",
            reads ? null : Caller.Json("{}"u8.ToArray()),
            request =>
            {
                if (origin is not null)
                    request.Headers.TryAddWithoutValidation("Origin", origin);
            });

        (await Ask(null)).Is(reads ? 200 : 201);
        Assert.Contains("page", (await Ask("https://shop.example")).IsProblem(403, "forbidden").Body, StringComparison.Ordinal);
        (await Ask("null")).IsProblem(403, "forbidden");
    }
}
