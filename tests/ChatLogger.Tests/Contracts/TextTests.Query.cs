namespace ChatLogger.Tests.Contracts;

public partial class TextTests
{
    [Theory]
    [InlineData("%00")]
    [InlineData("a%00b")]
    [InlineData("%FF")]
    [InlineData("%c3")]
    [InlineData("%C0%80")]
    [InlineData("%ED%A0%80")]
    [InlineData("%F4%90%80%80")]
    [InlineData("%")]
    [InlineData("%4")]
    [InlineData("%zz")]
    [InlineData("!")]
    [InlineData("%C3%A4%F0%9F%98%80")]
    [InlineData("%EF%BF%BE")]
    public async Task Hostile_text_in_a_query_or_a_path_is_at_most_refused(string text)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var viewer = $"Cookie: {(await acme.Member("viewer")).Caller.Credential}";
        var root = $"Cookie: {(await app.Superadmin()).Credential}";
        var plugin = $"x-organization-api-key: {(await acme.Plugin()).Credential}";

        foreach (var query in new[] { $"cursor={text}", $"limit={text}", $"{text}=1", $"limit=1&limit={text}", $"cursor=a{text}" })
        {
            foreach (
                var path in new[] { "/orgs/me/chats", $"/orgs/me/chats/{chat}", $"/orgs/me/chats/{chat}/messages", "/users/me", "/version" }
            )
            {
                var answer = (await Wire.Ask(app.Address, "GET", $"{path}?{query}", viewer)).IsProblem(400, "validation");
                Assert.NotEmpty(answer["errors"].EnumerateObject());
            }
            (
                await Wire.Ask(
                    app.Address,
                    "POST",
                    $"{acme.ApiPath}/chats?{query}",
                    plugin,
                    "Content-Type: application/json",
                    "Content-Length: 0")
            ).IsProblem(400, "validation");
        }

        foreach (
            var path in new[]
            {
                $"/orgs/{text}/chats",
                $"/orgs/{acme.Slug}/chats/{text}",
                $"/orgs/{acme.Slug}/chats/{text}/messages",
                $"/{text}",
                $"/api/v1/orgs/{text}/chats",
            })
        {
            foreach (var credential in new[] { root, viewer })
            {
                var status = (await Wire.Ask(app.Address, "GET", path, credential)).Status;
                // The plugin API needs another credential.
                var isPlugin = path.StartsWith("/api", StringComparison.Ordinal);
                Assert.True(status is 400 or 404 or 405 || (status == 401 && isPlugin), $"{path}: {status}");
            }
        }
    }

    [Theory]
    [InlineData("\0")]
    [InlineData("\u00ff")]
    [InlineData("\u00c0\u0080")]
    [InlineData("\u00ed\u00a0\u0080")]
    [InlineData("\u00f0\u009f\u0098\u0080")]
    public async Task Hostile_text_in_a_header_is_at_most_refused(string text)
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential!;
        string[] body = ["Content-Type: application/json", "Content-Length: 0"];

        foreach (
            var header in new[]
            {
                $"x-organization-api-key: {text}",
                $"x-organization-api-key: {key[..^1]}{text}",
                $"Cookie: __Host-chatlogger={text}",
            })
        {
            var status = (await Wire.Ask(app.Address, "POST", $"{acme.ApiPath}/chats", [header, .. body])).Status;
            Assert.True(status is 400 or 401, $"{header}: {status}");
            status = (await Wire.Ask(app.Address, "GET", "/users/me", header)).Status;
            Assert.True(status is 400 or 401, $"{header}: {status}");
        }
        foreach (
            var name in new[]
            {
                "Origin",
                "Sec-Fetch-Site",
                "Content-Type",
                "User-Agent",
                "Host",
                "X-Forwarded-For",
                "traceparent",
                "Accept-Encoding",
            })
        {
            var status = (
                await Wire.Ask(app.Address, "POST", "/auth/login", [$"{name}: {text}", .. name == "Content-Type" ? body[1..] : body])
            ).Status;
            Assert.True(status is 400 or 403 or 415, $"{name}: {status}");
        }
    }
}
