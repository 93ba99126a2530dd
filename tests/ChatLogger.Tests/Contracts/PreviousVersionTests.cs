using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// A database that version 0.1.0 made is served by this version: none of its migrations runs again, and what was handed out before is still
/// good. The dump is never made anew with the schema, for then it would prove nothing.
/// </summary>
public class PreviousVersionTests(RestoredApp app) : IClassFixture<RestoredApp>
{
    private const string Session =
        "__Host-chatlogger=eyJhbGciOiJIUzI1NiIsInR5cCI6InNlc3Npb24rand0In0.eyJpc3MiOiJjaGF0bG9nZ2VyIiwiYXVkIjoiY2hhdGxv"
            + "Z2dlciIsInN1YiI6IjAxYTIyNDU3LTkxZjctN2FjYS1hZjIwLThiMTllNzZjOTY5YyIsInNpZCI6IjAxYTIyNDU3LTk1OGEtNzliNS1iNTJiLW"
            + "ExODBiZGNmNzMxYyIsImlhdCI6MTc5NTkwNjA0OSwibmJmIjoxNzk1OTA2MDQ5LCJleHAiOjE3OTU5NDkyNDl9.stNhX3RRf95N-6BPDQWKmVx"
            + "1DzSCRngP02lTrIlnwXI";

    private const string AcmesKey = "clk_MFjzgj7sSji6U5YB_bxrRJLNCmRhC2gHXaiVjuApMothe1DZJ8p1npH1m8zb0LYI9U";
    private const string GlobexsKey = "clk_WJcCSbw7GND603za_ytGVLtCD9eQLKNKx6NawVuio9K3KZIxbQNzfKhdvRRt1Ak1hS";
    private const string PluginPath = "/api/v1/orgs/acme";
    private const string Chat = "01a22457-982d-7236-8796-c3cee57b96aa";
    private const string Export = "/exports/orgs/me/01a22457-99bd-734c-9d3a-ae18da2cb7ff";
    private const string ExportsSha256 = "462da4e483d5e392e92376d25e20fb78e467c5b9adc83e619267e2698e098f75";

    private Caller Ann => app.Stranger.WithCookie(Session);

    [Fact]
    public async Task None_of_its_migrations_runs_again()
    {
        var journal = await RestoredApp.Journal(app.ConnectionString);

        Assert.Equal(13, app.Restored.Count);
        Assert.Equal(app.Restored, journal.Take(app.Restored.Count));
        Assert.DoesNotContain(
            app.Log.All,
            line => app.Restored.Any(row => line.Contains($"Applied migration {row.Split(' ')[0]}", StringComparison.Ordinal)));
        (await app.Stranger.Get("/healthz/ready")).Is(200);
    }

    [Fact]
    public async Task Members_log_in_with_their_old_passwords_and_old_sessions_go_on()
    {
        foreach (var email in new[] { "ann@acme.example", "bob@acme.example", "eve@globex.example", "root@chatlogger.example" })
        {
            var member = await app.LogIn(email);
            Assert.Equal(email, (await member.Get("/users/me")).Is(200).Text("email"));
        }
        (await app.Stranger.Post("/auth/login", new { email = "ann@acme.example", password = "another horse battery" })).IsProblem(
            401,
            "unauthenticated");

        Assert.Equal("ann@acme.example", (await Ann.Get("/users/me")).Is(200).Text("email"));
    }

    [Fact]
    public async Task Old_keys_write_and_old_idempotency_keys_are_still_recognized()
    {
        var plugin = app.Stranger.WithKey(AcmesKey);
        var chat = (await plugin.Post($"{PluginPath}/chats", new { title = "new" })).Is(201).Text("id");
        (await plugin.Post($"{PluginPath}/chats/{chat}/messages", new { role = "user", content = "Hello again" })).Is(201);

        var repeated = await plugin.Send(
            HttpMethod.Post,
            $"{PluginPath}/chats/{Chat}/messages",
            Caller.Json("""{"role":"user","content":"Thank you"}"""u8.ToArray()),
            request => request.Headers.Add("Idempotency-Key", "thanks"));

        Assert.Equal("01a22457-98cc-7fed-b361-affe16a7f035", repeated.Text("id"));
        Assert.Equal(3, await app.Value<long>("select count(*) from messages where chat_id = @Chat::uuid", new { Chat }));
        (await app.Stranger.WithKey(GlobexsKey).Post($"{PluginPath}/chats", new { })).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task An_old_export_is_downloaded_as_it_was_written()
    {
        var file = (await Ann.Get(Export)).Is(200);

        Assert.Equal(ExportsSha256, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.Body))));
        var listed = Assert.Single((await Ann.Get("/exports/orgs/me")).Is(200)["items"].EnumerateArray());
        Assert.Equal(ExportsSha256, listed.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task The_summary_counts_what_was_there()
    {
        var summary = (await Ann.Get("/analytics/orgs/me/summary?from=2026-03-01&to=2026-03-05")).Is(200);

        Assert.Equal(
            """{"chats":2,"messages":3,"endUsers":2,"tokens":7,"promptTokens":3,"completionTokens":4,"feedbackUp":0,"feedbackDown":0,"""
                + "\"cost\":null}",
            summary["totals"].GetRawText());
        Assert.Equal([2, 0, 1, 0], summary["days"].EnumerateArray().Select(day => day.GetProperty("messages").GetInt32()));
        Assert.Equal(["v-1", "v-2"], summary["topUsers"].EnumerateArray().Select(user => user.GetProperty("externalUserId").GetString()));
        Assert.Equal(["billing", "vip"], summary["tags"].EnumerateArray().Select(tag => tag.GetProperty("tag").GetString()));
        var thatDay = (await Ann.Get("/analytics/orgs/me/summary?from=2026-11-28&to=2026-11-29")).Is(200)["totals"];
        Assert.Equal(2, thatDay.GetProperty("feedbackUp").GetInt32());
    }

    [Fact]
    public async Task Searches_find_old_messages()
    {
        var found = Assert.Single((await Ann.Get("/orgs/me/chats?q=order")).Is(200)["items"].EnumerateArray());

        Assert.Equal(Chat, found.GetProperty("id").GetString());
        Assert.Equal("Where is my Order? 注文はどこ", found.GetProperty("snippet").GetString());
        Assert.Equal("up", found.GetProperty("feedback").GetProperty("rating").GetString());
        Assert.Equal(
            ["Where is my Order? 注文はどこ", "It left on Monday, Grüße", "Thank you"],
            (await Ann.Get($"/orgs/me/chats/{Chat}/messages"))
                .Is(200)["items"]
                .EnumerateArray()
                .Select(message => message.GetProperty("content").GetString()));
        var theirs = (await (await app.LogIn("eve@globex.example")).Get("/orgs/me/chats?q=order")).Is(200)["items"];
        Assert.Equal("theirs", Assert.Single(theirs.EnumerateArray()).GetProperty("title").GetString());
    }

    [Fact]
    public async Task The_audit_log_goes_on()
    {
        var actions = (await Ann.Get("/orgs/me/audit?limit=100"))
            .Is(200)["items"]
            .EnumerateArray()
            .Select(item => item.GetProperty("action").GetString())
            .ToArray();

        Assert.Superset(
            new HashSet<string?>
            {
                "organization.created",
                "member.created",
                "login.success",
                "login.refusal",
                "key.created",
                "key.rotated",
                "chat.deleted",
                "export.requested",
                "export.downloaded",
            },
            actions.ToHashSet());
    }
}

/// <summary>
/// The service on the dump of the previous version, a minute after it was made: its sessions and idempotency keys are of that day.
/// </summary>
public sealed class RestoredApp : App
{
    private static readonly DateTimeOffset Dumped = DateTimeOffset.Parse("2026-11-28T22:48:30Z", CultureInfo.InvariantCulture);

    /// <summary>The journal of migrations as it was restored.</summary>
    internal IReadOnlyList<string> Restored { get; private set; } = [];

    internal static async Task<IReadOnlyList<string>> Journal(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(
            "select array_agg(scriptname || ' ' || applied || ' ' || checksum || ' ' || compatible order by schemaversionsid) from "
                + "schemaversions");
        return (string[])(await command.ExecuteScalarAsync())!;
    }

    protected override async Task<string> NewDatabase()
    {
        var database = await TestServer.EmptyDatabase();
        // The dump sets parameters of its session, which no other may have.
        await using (var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString))
        {
            await using var command = source.CreateCommand(
                await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests/ChatLogger.Tests/Contracts/PreviousVersion.sql")));
            await command.ExecuteNonQueryAsync();
        }
        Restored = await Journal(database);
        return database;
    }

    protected override void Customize(WebApplicationBuilder builder) => Clock.Advance(Dumped.AddMinutes(1) - Clock.GetUtcNow());
}
