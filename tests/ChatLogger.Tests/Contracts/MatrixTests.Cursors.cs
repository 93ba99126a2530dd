using System.Text.Json;
using ChatLogger.Http;

namespace ChatLogger.Tests.Contracts;

public sealed partial class MatrixTests
{
    [Fact]
    public async Task A_cursor_is_of_one_list_of_one_organization()
    {
        var fixture = await MatrixFixture.Set(app);
        var member = (Own: fixture.Named("admin"), Foreign: fixture.Named("admin of another organization") with { Org = "me" });
        var plugin = (
            Own: fixture.Named("a key"),
            Foreign: fixture.Named("a key of another organization") with { Slug = fixture.Globex.Slug });
        var tried = 0;

        foreach (
            var (line, endpoint) in Lines.Where(each =>
                Members(each.Endpoint.Metadata.GetMetadata<QueryShape>()?.Type).Any(member => member.Name == "cursor")))
        {
            if (line.Row == Row.Organizations)
                continue;
            var (kind, elsewhere) = line.Row == Row.PluginReading ? plugin : member;
            var (own, foreign) = (await List(fixture.Acme), await List(fixture.Globex));
            if (line.Route == "GET /users/me/sessions")
            {
                foreach (var caller in new[] { kind, elsewhere })
                    await fixture.Thing(fixture.Acme, "sessionId", await IdOf(caller.Caller));
            }
            var next = (await elsewhere.Caller.Get($"{MatrixFixture.Path(line, elsewhere, foreign)}?limit=1")).Is(200);
            Assert.True(
                next["nextCursor"].ValueKind == JsonValueKind.String,
                $"{line.Route} has no second page to compare with: {next.Body}");
            var cursor = next.Text("nextCursor");
            var path = MatrixFixture.Path(line, kind, own);
            var mine = (await kind.Caller.Get($"{path}?limit=1")).Is(200).Text("nextCursor");
            (await kind.Caller.Get($"{path}?limit=1&cursor={mine}")).Is(200);

            var malformed = (await kind.Caller.Get($"{path}?limit=1&cursor=abc")).IsInvalid("cursor").Comparable;
            Assert.Equal(malformed, (await kind.Caller.Get($"{path}?limit=1&cursor={cursor}")).IsInvalid("cursor").Comparable);
            if (line.Row != Row.PluginReading)
            {
                var bySlug = MatrixFixture.Path(line, fixture.Named("superadmin"), own);
                var refused = await fixture.Superadmin.Get($"{bySlug}?limit=1&cursor={cursor}");
                Assert.Equal(malformed, refused.IsInvalid("cursor").Comparable);
            }
            // Of the same list, but cut by something else.
            foreach (var (name, type) in Members(endpoint.Metadata.GetMetadata<QueryShape>()!.Type))
            {
                var filter = name switch
                {
                    "limit" or "cursor" or "around" => null,
                    "order" => "desc",
                    "rating" => "up",
                    "unanswered" => "true",
                    "from" or "to" => "2026-01-01T00:00:00Z",
                    "action" => "login.success",
                    "status" => "failed",
                    _ => IsId(type) || name == "actor" ? $"{fixture.User.Id}" : "other",
                };
                if (filter is not null)
                    Assert.Equal(
                        malformed,
                        (await kind.Caller.Get($"{path}?limit=1&cursor={mine}&{name}={filter}")).IsInvalid("cursor").Comparable);
            }
            if (line.Ids.Any())
                Assert.Equal(
                    malformed,
                    (await kind.Caller.Get($"{MatrixFixture.Path(line, kind, await List(fixture.Acme))}?limit=1&cursor={mine}"))
                        .IsInvalid("cursor")
                        .Comparable);
            tried++;

            // Two of each, so that there is a next page.
            async Task<Dictionary<string, string>> List(Org org)
            {
                foreach (var name in new[] { "chatId", "keyId", "exportId", "memberId", "webhookId", "erasureId" })
                {
                    await fixture.Thing(org, name, null);
                    await fixture.Thing(org, name, null);
                }
                var things = await fixture.Things(line, org);
                if (things.TryGetValue("chatId", out var chat))
                    await fixture.Thing(org, "messageId", null, chat);
                if (things.TryGetValue("webhookId", out var webhook))
                {
                    await fixture.Thing(org, "deliveryId", null, webhook);
                    await fixture.Thing(org, "deliveryId", null, webhook);
                }
                return things;
            }
        }

        Assert.True(tried >= 4, $"Only {tried} lists were found.");
    }
}
