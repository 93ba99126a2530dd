using System.Text.Json.Nodes;
using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.OpenApi;

/// <summary>The examples of the document succeed when they are sent.</summary>
public class ExamplesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task Every_example_of_a_body_or_of_parameters_succeeds()
    {
        var document = await Document.Of(app);
        var acme = await app.Org("acme");
        // The members whom the examples name.
        await app.Send(new CreateMember.Command(acme.Id, "ann@acme.example", "Ann", MemberRole.Admin, Persona.Password, Persona.Operator));
        var plugin = app.Stranger.WithKey(await acme.Key([.. KeyScope.All]));
        var admin = await app.LogIn("ann@acme.example");
        var superadmin = await app.Superadmin();
        var later = new { format = "json", mode = "async" };
        var sent = 0;

        // A logout would end the session that the other examples need; a file does not exist yet.
        foreach (var operation in document.Operations.Where(each => !each.IsHead && each.Id is not ("logout" or "downloadExport")))
        {
            var examples = operation.Body is null ? [null] : Bodies(operation);
            foreach (var example in examples)
            {
                var isPlugin = operation.Path.StartsWith("/api", StringComparison.Ordinal) || IntegrationPaths.Contain(operation.Path);
                var chat = await acme.Chat();
                var message = await acme.Say(chat, "hello");
                var path = operation.Path
                    .Replace("{org}", "me", StringComparison.Ordinal)
                    .Replace("{chatId}", chat, StringComparison.Ordinal)
                    .Replace("{messageId}", message, StringComparison.Ordinal)
                    .Replace("{slug}", isPlugin ? acme.Slug : (await app.Org("other")).Slug, StringComparison.Ordinal);
                if (path.Contains("{userId}", StringComparison.Ordinal))
                    path = path.Replace("{userId}", (await acme.Member(MemberRole.Viewer)).Id.ToString(), StringComparison.Ordinal);
                if (path.Contains("{keyId}", StringComparison.Ordinal))
                    path = path.Replace("{keyId}", await Made("/orgs/me/apikeys", new { label = "example" }), StringComparison.Ordinal);
                if (path.Contains("{exportId}", StringComparison.Ordinal))
                    path = path.Replace("{exportId}", await Made("/exports/orgs/me", later), StringComparison.Ordinal);
                if (path.Contains("{webhookId}", StringComparison.Ordinal) || path.Contains("{deliveryId}", StringComparison.Ordinal))
                {
                    var webhook = await Made(
                        "/orgs/me/webhooks", new { url = "https://shop.example/hooks", events = new[] { "chat.created" } });
                    path = path.Replace("{webhookId}", webhook, StringComparison.Ordinal);
                    if (path.Contains("{deliveryId}", StringComparison.Ordinal))
                        path = path.Replace(
                            "{deliveryId}", (await admin.Post($"/orgs/me/webhooks/{webhook}/test")).Text("id"), StringComparison.Ordinal);
                }
                if (path.Contains("{erasureId}", StringComparison.Ordinal))
                    path = path.Replace(
                        "{erasureId}", await Made("/orgs/me/erasures", new { externalUserId = "example" }), StringComparison.Ordinal);
                if (path.Contains("{sessionId}", StringComparison.Ordinal))
                    path = path.Replace("{sessionId}", await OtherSession(), StringComparison.Ordinal);
                var caller = isPlugin ? plugin
                    : operation.Path is "/orgs" or "/orgs/{slug}" ? superadmin
                    : admin;

                var answer = await caller.Send(HttpMethod.Parse(operation.Method), path + Query(operation), example);

                Assert.True(
                    answer.Status < 300 && operation.Responses.Any(response => response.Status == answer.Status),
                    $"{operation} with {example ?? Query(operation)}: {answer.Status} {answer.Body}");
                if (answer.Status == 207 && answer.Json.TryGetProperty("results", out var results))
                    Assert.All(results.EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
                sent++;
            }
        }

        Assert.True(sent > 40, $"Only {sent} examples were sent.");

        async Task<string> OtherSession()
        {
            var email = (await admin.Get("/users/me")).Text("email");
            (await app.Stranger.Post("/auth/login", new { email, password = Persona.Password })).Is(200);
            return (await admin.Get("/users/me/sessions")).Is(200)["items"].EnumerateArray()
                .First(session => !session.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!;
        }

        async Task<string> Made(string path, object body) => (await admin.Post(path, body)).Text("id");
    }

    [Fact]
    public async Task Every_operation_with_a_body_has_an_example()
    {
        Assert.All((await Document.Of(app)).Operations.Where(operation => operation.Body is not null), operation =>
            Assert.True(Bodies(operation).Any(), $"{operation} has no example: add a body that succeeds to Examples."));
    }

    private static IEnumerable<string?> Bodies(Operation operation) =>
        operation.Body!["content"]!["application/json"]!["examples"]!.AsObject().Select(example => example.Value!["value"]!.ToJsonString());

    private static string Query(Operation operation)
    {
        var pairs =
            from parameter in operation.Parameters
            where parameter["in"].Text() == "query" && parameter["example"] is not null
            from value in parameter["example"] is JsonArray several ? several : [parameter["example"]!.DeepClone()]
            select $"{parameter["name"]}={Uri.EscapeDataString(value!.ToString())}";
        return string.Join('&', pairs) is { Length: > 0 } query ? $"?{query}" : "";
    }
}
