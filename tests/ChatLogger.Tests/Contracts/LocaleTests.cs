using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>Changes the culture of the whole process, so no other test runs at the same time.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;

/// <summary>Language, zone and habits of process and database change no byte of an answer.</summary>
[Collection(nameof(WholeProcess))]
public partial class LocaleTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Settings_of_the_database_change_no_byte()
    {
        var story = await Story.Begin(app);
        var before = await story.Reads(app);
        var database = new NpgsqlConnectionStringBuilder(app.ConnectionString).Database;
        foreach (
            var setting in new[]
            {
                "timezone = 'Asia/Kathmandu'",
                "datestyle = 'German, DMY'",
                "intervalstyle = 'iso_8601'",
                "default_transaction_isolation = 'serializable'",
                "synchronous_commit = off",
                "extra_float_digits = 0",
                "bytea_output = 'escape'",
                "standard_conforming_strings = off",
                "lc_numeric = 'C'",
                "lc_time = 'C'",
            })
        {
            // On a cluster the service does not start with it: see CitusClusterTests.
            if (!CitusCluster.IsGiven || !setting.StartsWith("synchronous_commit", StringComparison.Ordinal))
                await app.Execute($"alter database \"{database}\" set {setting}");
        }

        // Settings of a database hold for new sessions.
        var other = await app.AnotherInstance();

        Assert.Equal("Asia/Kathmandu", await Show(other.Rows, "timezone"));
        Assert.Equal(before, await story.Reads(other));
        var pool = other.Services.GetRequiredService<NpgsqlDataSource>();
        Assert.Equal("UTC", await Show(pool, "timezone"));
        Assert.StartsWith("ISO", await Show(pool, "datestyle"), StringComparison.Ordinal);
        Assert.Equal("read committed", await Show(pool, "transaction_isolation"));
        Assert.Equal("on", await Show(pool, "synchronous_commit"));
        Assert.Equal("2s", await Show(pool, "lock_timeout"));
        Assert.Equal("5s", await Show(pool, "statement_timeout"));
        Assert.Equal("30s", await Show(pool, "idle_in_transaction_session_timeout"));
        await story.Writes(other);
        await other.Stop();
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("ar-SA")]
    [InlineData("th-TH")]
    [InlineData("fa-IR")]
    public async Task The_culture_of_the_process_changes_no_byte(string culture)
    {
        var story = await Story.Begin(app);
        var before = await story.Reads(app);
        var (current, ui) = (CultureInfo.DefaultThreadCurrentCulture, CultureInfo.DefaultThreadCurrentUICulture);
        try
        {
            CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = new CultureInfo(culture);
            // What the service answers with is not this thread, but Kestrel's.
            Assert.Equal(before, await story.Reads(app));
            await story.Writes(app);
        }
        finally
        {
            CultureInfo.DefaultThreadCurrentCulture = current;
            CultureInfo.DefaultThreadCurrentUICulture = ui;
        }
    }

    [Theory]
    [InlineData("Asia/Kathmandu")]
    [InlineData("America/St_Johns")]
    [InlineData("Pacific/Kiritimati")]
    public async Task The_time_zone_of_the_process_changes_no_byte(string zone)
    {
        var story = await Story.Begin(app);
        var before = await story.Reads(app);
        var tz = Environment.GetEnvironmentVariable("TZ");
        try
        {
            Environment.SetEnvironmentVariable("TZ", zone);
            TimeZoneInfo.ClearCachedData();
            Assert.Equal(
                TimeZoneInfo.FindSystemTimeZoneById(zone).GetUtcOffset(DateTime.UnixEpoch),
                TimeZoneInfo.Local.GetUtcOffset(DateTime.UnixEpoch));
            Assert.Equal(before, await story.Reads(app));
            await story.Writes(app);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TZ", tz);
            TimeZoneInfo.ClearCachedData();
        }
    }

    private static async Task<string?> Show(NpgsqlDataSource source, string setting)
    {
        await using var command = source.CreateCommand($"show {setting}");
        return (await command.ExecuteScalarAsync())?.ToString();
    }

    [GeneratedRegex("\"asOf\":\"[^\"]*\"")]
    private static partial Regex AsOf();

    private sealed record Story(Org Acme, Person Member, string ChatId, string Key)
    {
        public static async Task<Story> Begin(App app)
        {
            var acme = await app.Org("acme");
            var chat = await acme.Chat(
                new
                {
                    title = "Iıİi",
                    tags = new[] { "TITLE", "title", "Ä" },
                    metadata = new { n = 1234567.89, d = -0.5 },
                });
            await (await acme.Plugin()).Post(
                $"{acme.ApiPath}/chats/{chat}/messages",
                new
                {
                    role = "user",
                    content = "1,5 ≠ 1.5",
                    latencyMs = 1_234_567,
                    tokenCount = 0,
                });
            // The list of keys has this; the service stores it some seconds later, and again after a minute.
            await app.Execute("update api_keys set last_used_at = now() where org_id = @Id", new { acme.Id });
            var member = await acme.Member("admin");
            (await member.Caller.Post("/orgs/me/apikeys", new { label = "a", expiresAt = "2999-12-31T23:59:59.999+05:45" })).Is(201);
            return new(acme, member, chat, (await acme.Plugin()).Credential!);
        }

        /// <summary>Every read, and errors with numbers in them, without what differs between two requests.</summary>
        public async Task<string> Reads(App app)
        {
            var member = app.Stranger.WithCookie(Member.Caller.Credential!);
            var (from, to) = (DateTimeOffset.UtcNow.AddDays(-3), DateTimeOffset.UtcNow.AddDays(3));
            var summary = FormattableString.Invariant(
                $"/analytics/orgs/me/summary?from={from:yyyy-MM-dd}&to={to:yyyy-MM-dd}&tz=America/New_York");
            var answers = new[]
            {
                await member.Get(summary),
                await member.Get(summary + "&top=51"),
                await member.Post(
                    "/exports/orgs/me",
                    new
                    {
                        format = "csv",
                        timeZone = "America/New_York",
                        from = "2020-01-01",
                    }),
                await member.Post("/exports/orgs/me", new { format = "csv", layout = "chats" }),
                await member.Post("/exports/orgs/me", new { format = "json" }),
                await member.Get("/orgs/me/chats"),
                await member.Get($"/orgs/me/chats/{ChatId}"),
                await member.Get($"/orgs/me/chats/{ChatId}/messages"),
                await member.Get("/orgs/me/chats?limit=1"),
                await member.Get("/users/me"),
                await member.Get("/orgs/me/apikeys"),
                await member.Get("/orgs/me/apikeys?limit=1"),
                await member.Get("/orgs/me/chats?limit=201"),
                await member.Get("/orgs/me/chats?limit=-1"),
                await member.Get("/nowhere"),
                await member.Get("/version"),
                await app
                    .Stranger.WithKey(Key)
                    .Post(
                        $"{Acme.ApiPath}/chats/{ChatId}/messages",
                        """{"role":"nobody","content":"","latencyMs":86400001,"metadata":{"a":1e999}}"""
                    ),
            };
            return string.Join(
                '\n',
                answers.Select(answer => $"{answer.Status} {answer.Header("Content-Type")} {AsOf().Replace(answer.Comparable, "")}"));
        }

        /// <summary>Writes parse, compare and count in the same way too.</summary>
        public async Task Writes(App app)
        {
            var plugin = app.Stranger.WithKey(Key);
            var before = DateTimeOffset.UtcNow.AddSeconds(-1);
            var chat = (await plugin.Post($"{Acme.ApiPath}/chats", """{"title":"I","metadata":{"n":1.5}}""")).Is(201);
            Assert.Equal("1.5", chat["metadata"].GetProperty("n").GetRawText());
            Assert.InRange(
                DateTimeOffset.ParseExact(
                    chat.Text("createdAt"),
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal),
                before,
                DateTimeOffset.UtcNow.AddSeconds(1));
            (await plugin.Post($"{Acme.ApiPath}/chats/{chat.Text("id")}/messages", new { role = "user", content = "a" })).Is(201);
            await app.LogIn(Member.Email.ToUpperInvariant());
            var key = (await Member.Caller.Post("/orgs/me/apikeys", new { label = "i", expiresAt = "2999-01-01T00:00:00Z" })).Is(201);
            Assert.Equal("2999-01-01T00:00:00.000Z", key.Text("expiresAt"));
            (await Member.Caller.Delete($"/orgs/me/apikeys/{key.Text("id")}")).Is(204);
        }
    }
}
