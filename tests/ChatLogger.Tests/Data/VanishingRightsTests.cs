using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>
/// A role that loses its rights, and a disk that is full, while the service runs: 503 and a word in the log, not a flood.
/// </summary>
public sealed class VanishingRightsTests(VanishingRightsTests.LimitedApp app) : IClassFixture<VanishingRightsTests.LimitedApp>
{
    [Fact]
    public async Task Revoked_database_privileges_are_a_503_and_are_named_in_the_log()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var member = await acme.Member("admin");
        var chat = await acme.Chat();
        app.Clock.Advance(TimeSpan.FromSeconds(10));
        await app.Execute($"revoke all on all tables in schema public from {app.Role}");
        var logged = app.Log.All.Count;
        try
        {
            for (var i = 0; i < 10; i++)
            {
                (await app.Stranger.Get("/healthz/ready")).IsSafeProblem(503, "unavailable");
                (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" })).IsSafeProblem(
                    503,
                    "unavailable");
                (await member.Caller.Get("/orgs/me/chats")).IsSafeProblem(503, "unavailable");
                (await app.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password })).IsSafeProblem(
                    503,
                    "unavailable");
                (await app.Stranger.Get("/healthz/live")).Is(200);
            }
            var lines = app.Log.All.Skip(logged).ToList();
            Assert.Contains(lines, line => line.Contains("42501 permission denied for table", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line => line.Contains("failed unexpectedly", StringComparison.Ordinal));
            Assert.InRange(lines.Count, 1, 20);
        }
        finally
        {
            await app.Execute($"grant select, insert, update, delete on all tables in schema public to {app.Role}");
        }
        (await app.Stranger.Get("/healthz/ready")).Is(200);
        Assert.DoesNotContain(app.Log.All, line => line.Contains("failed unexpectedly", StringComparison.Ordinal));

        await app.Execute("alter table schemaversions rename to elsewhere");
        (await app.Stranger.Get("/healthz/ready")).IsSafeProblem(503, "unavailable");
        await app.Execute("alter table elsewhere rename to schemaversions");
        (await app.Stranger.Get("/healthz/ready")).Is(200);
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" })).Is(201);
    }

    [SingleServerFact]
    public async Task A_full_disk_is_a_503_with_PostgreSQLs_sentence_in_the_log_and_members_still_log_in()
    {
        const string Sentence = "could not extend file \"base/16384/16397\": No space left on device";
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var member = await acme.Member("admin");
        var chat = await acme.Chat();
        // A disk that is full for messages: what PostgreSQL raises then, raised where it would be.
        await app.Execute(
            $"""
            create function full_disk() returns trigger language plpgsql as $$ begin raise exception using errcode = '53100',
                message = '{Sentence}'; end $$;
            create trigger full_disk before insert on messages for each row execute function full_disk();
            """);
        // The last such line of another test may be very recent.
        app.Clock.Advance(TimeSpan.FromSeconds(10));
        try
        {
            for (var i = 0; i < 5; i++)
                (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" })).IsSafeProblem(
                    503,
                    "unavailable");
            await app.LogIn(member.Email);
            (await member.Caller.Get("/orgs/me/chats")).Is(200);
            Assert.InRange(app.Log.All.Count(line => line.Contains(Sentence, StringComparison.Ordinal)), 1, 3);
        }
        finally
        {
            await app.Execute("drop trigger full_disk on messages; drop function full_disk");
        }
        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" })).Is(201);
    }

    public sealed class LimitedApp : App, IAsyncLifetime
    {
        public string Role { get; } = $"limited_{Guid.NewGuid().ToString("N")[..8]}";

        protected override void Customize(WebApplicationBuilder builder)
        {
            using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false });
            using var command = source.CreateCommand(
                $"""
                create role {Role} login password 'not a secret';
                grant select, insert, update, delete on all tables in schema public to {Role};
                grant usage, select on all sequences in schema public to {Role}
                """);
            command.ExecuteNonQuery();
            builder.Configuration["ConnectionStrings:Migrations"] = ConnectionString;
            builder.Configuration["ConnectionStrings:ChatLogger"] =
                new NpgsqlConnectionStringBuilder(ConnectionString) { Username = Role, Password = "not a secret" }.ConnectionString;
        }

        async Task IAsyncLifetime.DisposeAsync()
        {
            var elsewhere = new NpgsqlConnectionStringBuilder(ConnectionString) { Database = "postgres", Pooling = false }.ConnectionString;
            await DisposeAsync();
            await using var source = NpgsqlDataSource.Create(elsewhere);
            await using var command = source.CreateCommand($"drop role {Role}");
            await command.ExecuteNonQueryAsync();
        }
    }
}
