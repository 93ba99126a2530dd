using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// 401, then the organization in the path (404), then role (403), then the request itself (400), then the resource (404).
/// </summary>
public class PrecedenceTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string BadBody = """{"title":1}""";

    private static string Nowhere => $"{Guid.CreateVersion7()}";

    [Fact]
    public async Task A_key_that_is_not_known_is_401_whatever_else_is_wrong()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var revoked = await acme.Key();
        await app.Execute("update api_keys set revoked_at = now() where org_id = @Id", new { acme.Id });
        var expired = await acme.Key();
        await app.Execute("update api_keys set expires_at = now() - interval '1 second' where org_id = @Id", new { acme.Id });
        var good = await acme.Key();
        var body = new { title = "a" };
        var answers = new List<Answer>
        {
            await app.Stranger.Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey("").Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey("junk").Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey(revoked).Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey(expired).Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey(ChatLogger.Auth.ApiKey.Generate().Text).Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey(good + "," + good).Post($"{acme.ApiPath}/chats", body),
            await app
                .Stranger.WithKey(good)
                .Send(
                    HttpMethod.Post,
                    $"{acme.ApiPath}/chats",
                    Caller.Json("{}"u8.ToArray()),
                    request => request.Headers.Add("x-organization-api-key", good)),
            await (await acme.Admin()).Post($"{acme.ApiPath}/chats", body),
            await app.Stranger.WithKey(revoked).Post("/api/v1/orgs/no-such-org/chats", body),
            await app.Stranger.WithKey(revoked).Post($"{globex.ApiPath}/chats", BadBody),
            await app.Stranger.WithKey(revoked).Post($"{acme.ApiPath}/chats?bogus=1", "{"),
            await app.Stranger.WithKey(revoked).Post($"{acme.ApiPath}/chats/{Nowhere}/messages", BadBody),
        };

        foreach (var answer in answers)
        {
            Assert.Equal(answers[0].IsProblem(401, "unauthenticated").Comparable, answer.IsProblem(401, "unauthenticated").Comparable);
            Assert.Equal("ApiKey", answer.Header("WWW-Authenticate"));
            Assert.Equal(answers[0].Headers.Keys.Order(), answer.Headers.Keys.Order());
        }
        (await app.Stranger.WithKey(good).Post($"{acme.ApiPath}/chats", body)).Is(201);
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task Another_organizations_slug_is_404_before_scope_and_body()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();
        var importer = app.Stranger.WithKey(await acme.Key("import"));
        var unknown = (await plugin.Post("/api/v1/orgs/no-such-org/chats", "{}")).IsProblem(404, "not-found").Comparable;

        foreach (var answer in new[]
                 {
                     await plugin.Post($"{globex.ApiPath}/chats", BadBody),
                     await plugin.Post($"{globex.ApiPath}/chats?bogus=1", "{"),
                     await plugin.Post($"{globex.ApiPath}/chats/{Nowhere}/messages", BadBody),
                     await plugin.Post($"/api/v1/orgs/{acme.Slug.ToUpperInvariant()}/chats", BadBody),
                     await importer.Post($"{globex.ApiPath}/chats", "{}"),
                     await importer.Post("/api/v1/orgs/me/chats", "{}"),
                 })
            Assert.Equal(unknown, answer.IsProblem(404, "not-found").Comparable);

        (await importer.Post($"{acme.ApiPath}/chats", BadBody)).IsProblem(403, "forbidden");
        (await importer.Post($"{acme.ApiPath}/chats/{Nowhere}/messages?bogus=1", "{}")).IsProblem(403, "forbidden");
        Assert.Equal(0, await globex.Count("chats"));
    }

    [Fact]
    public async Task For_a_member_it_is_session_then_organization_then_role_then_request_then_resource()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var viewer = (await acme.Member("viewer")).Caller;
        var admin = await acme.Admin();
        var unknown = (await viewer.Get("/orgs/no-such-org/chats")).IsProblem(404, "not-found").Comparable;

        // 401 before everything.
        (await app.Stranger.Get($"/orgs/no-such-org/chats/{Nowhere}?bogus=1")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Post("/orgs/me/apikeys?bogus=1", "{")).IsProblem(401, "unauthenticated");
        (await app.Stranger.Patch("/users/me", "{")).IsProblem(401, "unauthenticated");
        // 404 for the organization before role and request, also for admins.
        foreach (
            var answer in new[]
            {
                await viewer.Get($"/orgs/{globex.Slug}/chats?bogus=1"),
                await viewer.Get($"/orgs/{globex.Slug}/apikeys"),
                await viewer.Post($"/orgs/{globex.Slug}/apikeys", "{"),
                await admin.Delete($"/orgs/{globex.Slug}/apikeys/{Nowhere}?bogus=1"),
                await admin.Get($"/orgs/{globex.Slug}/chats/{Nowhere}"),
            })
            Assert.Equal(unknown, answer.IsProblem(404, "not-found").Comparable);
        // 403 before the request is looked at.
        (await viewer.Get("/orgs/me/apikeys?bogus=1")).IsProblem(403, "forbidden");
        (await viewer.Post("/orgs/me/apikeys?bogus=1", "{")).IsProblem(403, "forbidden");
        (await viewer.Delete("/orgs/me/apikeys/no-id?bogus=1")).IsProblem(403, "forbidden");
        // 400 before the resource is looked for.
        (await admin.Delete($"/orgs/me/apikeys/{Nowhere}?bogus=1")).IsProblem(400, "validation");
        (await viewer.Get($"/orgs/me/chats/{Nowhere}?bogus=1")).IsProblem(400, "validation");
        (await viewer.Get($"/orgs/me/chats/{Nowhere}/messages?limit=0")).IsInvalid("limit");
        (await viewer.Get($"/orgs/me/chats/{Nowhere}/messages?cursor=abc")).IsInvalid("cursor");
        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{Nowhere}/messages", BadBody)).IsProblem(400, "validation");
        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats/{Nowhere}/messages", """{"role":"user","content":" "}""")).IsInvalid(
            "content");
        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", new { userId = Nowhere, title = new string('a', 201) })).IsInvalid(
            "title");
    }

    [Theory]
    [InlineData("no-id")]
    [InlineData("0")]
    [InlineData("{0190a6e0-0000-7000-8000-000000000000}")]
    [InlineData("0190a6e0000070008000000000000000")]
    [InlineData("0190a6e0-0000-7000-8000-00000000000")]
    [InlineData("0190a6e0-0000-7000-8000-0000000000000")]
    [InlineData("%200190a6e0-0000-7000-8000-000000000000")]
    [InlineData("%00")]
    public async Task A_malformed_id_is_answered_like_an_unknown_one(string id)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var plugin = await acme.Plugin();
        object message = new { role = "user", content = "a" };

        async Task Alike(Func<string, Task<Answer>> ask)
        {
            var malformed = await ask(id);
            // Kestrel refuses a NUL in a path.
            if (id == "%00")
                malformed.Is(400);
            else
                Assert.Equal((await ask(Nowhere)).IsProblem(404, "not-found").Comparable, malformed.IsProblem(404, "not-found").Comparable);
        }

        await Alike(each => admin.Get($"/orgs/me/chats/{each}"));
        await Alike(each => admin.Get($"/orgs/me/chats/{each}/messages"));
        await Alike(each => admin.Delete($"/orgs/me/apikeys/{each}"));
        await Alike(each => plugin.Post($"{acme.ApiPath}/chats/{each}/messages", message));
    }

    [Fact]
    public async Task An_id_has_one_spelling()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();

        (await admin.Get($"/orgs/me/chats/{chat}")).Is(200);
        (await admin.Get($"/orgs/me/chats/{chat.ToUpperInvariant()}")).IsProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{chat.Replace("-", "", StringComparison.Ordinal)}")).IsProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{{{chat}}}")).IsProblem(404, "not-found");
    }
}
