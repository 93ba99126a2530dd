using System.Text;
using ChatLogger.Auth;
using ChatLogger.Tests.Features.Exports;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Contracts;

/// <summary>A service that logs at every level.</summary>
public sealed class VerboseLogApp : App
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Exports:Poll"] = "00:00:00.050" });
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddFilter<LogLines>((_, _) => true);
    }
}

/// <summary>Secrets are only where they must be, and message contents are in no log.</summary>
public sealed class SecretsTests(VerboseLogApp app) : IClassFixture<VerboseLogApp>
{
    private const string SessionSecret = "not a secret, but thirty-two bytes and more";
    private const string Marker = "MARKER-of-what-was-said";

    [Fact]
    public async Task Secrets_are_neither_logged_nor_answered_nor_exported_nor_stored()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        using var recorder = new Recorder { InnerHandler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false } };
        using var http = new HttpClient(recorder) { BaseAddress = app.Address };
        var stranger = new Caller(http);
        const string password = "tr0ub4dor-and-company", wrong = "wr0ng-p4ssword-tried", next = "n3xt-password-chosen";
        await app.Execute("update users set password_hash = @Hash where id = @Id", new { admin.Id, Hash = new Bcrypt(4).Hash(password) });

        // Passwords in valid and in wrong places.
        var login = (await stranger.Post("/auth/login", new { email = admin.Email, password })).Is(200);
        var cookie = login.Header("Set-Cookie")!.Split(';')[0];
        var jwt = cookie.Split('=')[1];
        var member = stranger.WithCookie(cookie);
        (await stranger.Post("/auth/login", new { email = admin.Email, password = wrong })).Is(401);
        (await stranger.Post("/auth/login", new { email = password, password = new[] { password } })).Is(400);
        (await stranger.Post("/auth/login", $$"""{"email":"a","password":"{{password}}","password":"{{password}}"}""")).Is(400);
        (await stranger.Post("/auth/login", $$"""{"password":"{{password}}""")).Is(400);
        (await member.Patch("/users/me", new { currentPassword = wrong, newPassword = next })).Is(400);
        (await member.Patch("/users/me", new { currentPassword = password, newPassword = next, email = "no address" })).Is(400);
        (await member.Patch("/users/me", new { currentPassword = password, newPassword = next })).Is(200);
        var hashes = new[] { await Hash(), new Bcrypt(4).Hash("another") };

        // Keys in valid and in wrong places.
        var made = (await member.Post("/orgs/me/apikeys", new { label = "web" })).Is(201);
        var key = made.Text("key");
        var plugin = stranger.WithKey(key);
        (await member.Get("/orgs/me/apikeys")).Is(200);
        (await plugin.Post("/api/v1/orgs/no-such-org/chats", "{}")).Is(404);
        (await stranger.WithKey($"{key},{key}").Post($"{acme.ApiPath}/chats", "{}")).Is(401);
        (await stranger.WithKey(jwt).Post($"{acme.ApiPath}/chats", "{}")).Is(401);
        (await stranger.WithCookie($"{cookie.Split('=')[0]}={key}").Get("/users/me")).Is(401);
        (await member.Delete($"/orgs/me/apikeys/{Guid.CreateVersion7()}")).Is(404);

        // Valid and invalid messages.
        var chat = (
            await plugin.Post(
                $"{acme.ApiPath}/chats",
                new
                {
                    title = Marker,
                    tags = new[] { Marker },
                    metadata = new { said = Marker },
                    externalUserId = Marker,
                })
        ).Is(201).Text("id");
        (
            await plugin.Post(
                $"{acme.ApiPath}/chats/{chat}/messages",
                new
                {
                    role = "assistant",
                    content = Marker,
                    metadata = new { said = Marker },
                })
        ).Is(201);
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = Marker, content = Marker })).Is(400);
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", $$"""{"role":"user","content":"{{Marker}}\u0000"}""")).Is(400);
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = Marker, metadata = Marker })).Is(400);
        (await member.Get("/orgs/me/chats")).Is(200);
        (await member.Get($"/orgs/me/chats/{chat}/messages")).Is(200);
        (await member.Get("/analytics/orgs/me/summary")).Is(200);
        // The database fails at a statement that contains the secrets.
        await app.Execute("alter table messages rename to hidden");
        try
        {
            (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = Marker })).Is(500);
        }
        finally
        {
            await app.Execute("alter table hidden rename to messages");
        }

        foreach (
            var (format, layout) in new[]
            {
                ("json", null),
                ("jsonl", null),
                ("csv", "messages"),
                ("csv", "chats"),
                ("openai-jsonl", (string?)null),
            })
        {
            Assert.Contains(Marker, (await member.Post(ExportFixture.Path, new { format, layout })).Is(200).Body, StringComparison.Ordinal);
            var export = (await member.Post(ExportFixture.Path, new { format, layout, mode = "async" })).Is(202);
            Assert.Contains(Marker, (await member.Ended(export.Header("Location")!)).Is(200).Body, StringComparison.Ordinal);
        }
        (await member.Post("/auth/logout")).Is(204);

        string[] secrets = [password, wrong, next, jwt, jwt.Split('.')[2], key, key[21..], SessionSecret];
        string[] stored =
        [
            .. hashes.Select(hash => hash[7..]),
            Convert.ToHexStringLower(ApiKey.Parse(key)!.Sha256),
            Convert.ToBase64String(ApiKey.Parse(key)!.Sha256),
        ];
        var logged = string.Join('\n', app.Log.All);
        // Secrets that one response contains: the key when it is created, the session in its cookie.
        var answered = string.Join('\n', recorder.Answers.Where(answer => answer != made.Body));
        var database = await Dump();

        Assert.True(
            recorder.Answers.Count > 30
                && logged.Length > 10_000
                && database.Contains(acme.Slug, StringComparison.Ordinal)
                && database.Contains(Marker, StringComparison.Ordinal));
        Assert.All(
            secrets,
            secret =>
            {
                IsNotIn(logged, secret, "the log");
                IsNotIn(answered, secret, "an answer");
                IsNotIn(database, secret, "the database");
                IsNotIn(database, Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)), "the database");
            });
        Assert.All(
            stored,
            secret =>
            {
                IsNotIn(logged, secret, "the log");
                IsNotIn(answered, secret, "an answer");
            });
        Assert.DoesNotContain("$2", answered + logged, StringComparison.Ordinal);
        IsNotIn(logged, Marker, "the log");
        // The search finds the secrets where they must be; otherwise it would prove nothing.
        Assert.Contains(hashes[0], database, StringComparison.Ordinal);
        Assert.Contains(stored[^2], database, StringComparison.Ordinal);

        async Task<string> Hash() => (await app.Value<string>("select password_hash from users where id = @Id", new { admin.Id }))!;
    }

    private static void IsNotIn(string place, string secret, string where)
    {
        var at = place.IndexOf(secret, StringComparison.OrdinalIgnoreCase);
        Assert.True(at < 0, at < 0 ? "" : $"{secret} is in {where}: {place[Math.Max(0, at - 200)..Math.Min(place.Length, at + 200)]}");
    }

    /// <summary>Every row of every table as text, bytes in hexadecimal.</summary>
    private async Task<string> Dump()
    {
        await using var connection = await app.Rows.OpenConnectionAsync();
        var tables = new List<string>();
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                tables.Add(reader.GetString(0));
        }
        await using var rows = connection.CreateCommand();
        rows.CommandText = string.Join("\nunion all\n", tables.Select(table => $"select '{table} ' || t::text from {table} t"));
        var dump = new StringBuilder();
        await using var each = await rows.ExecuteReaderAsync();
        while (await each.ReadAsync())
            dump.AppendLine(each.GetString(0));
        return dump.ToString();
    }

    /// <summary>Remembers every answer, head and body; but for the cookie that opens a session, which is where a session belongs.</summary>
    private sealed class Recorder : DelegatingHandler
    {
        public List<string> Answers { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            await response.Content.LoadIntoBufferAsync(cancellationToken);
            Answers.Add(await response.Content.ReadAsStringAsync(cancellationToken));
            foreach (var header in response.Headers.Concat(response.Content.Headers).Where(header => header.Key != "Set-Cookie"))
                Answers.Add($"{header.Key}: {string.Join(", ", header.Value)}");
            return response;
        }
    }
}
