using ChatLogger.Configuration;
using ChatLogger.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>Roles with no more rights than they need, in a database that another role created.</summary>
public sealed class RightsTests : IAsyncLifetime
{
    private const string Password = "not a secret, only a password";

    private readonly string _suffix = Guid.NewGuid().ToString("N")[..8];
    private string _admin = null!;

    private string Owner => $"owner_{_suffix}";

    private string Server => $"server_{_suffix}";

    private string Name => new NpgsqlConnectionStringBuilder(_admin).Database!;

    public async Task InitializeAsync()
    {
        _admin = await TestServer.EmptyDatabase();
        await Execute(_admin, $"create role {Owner} login password '{Password}'; create role {Server} login password '{Password}'");
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await Execute(_admin, $"drop owned by {Server}; drop owned by {Owner}");
        await Execute(_admin, $"drop role {Server}; drop role {Owner}");
        await TestServer.Drop(_admin);
    }

    [Fact]
    public async Task What_is_missing_is_named_with_the_statement_to_run_until_nothing_is()
    {
        // Each refusal's statements are run as they stand; in the end the service starts with nothing but rows to read and write.
        await Obey(await Refused(null), $"grant create, usage on schema public to {Owner}");
        await Obey(await Refused(null), "create extension btree_gin");
        Assert.Contains($"The role {Server} lacks rights on", await Refused(null));
        await Obey(await Refused(null), $"grant select, insert, update, delete on all tables in schema public to {Server}", as_: Owner);

        await using (var database = Database(null))
            await database.Open(CancellationToken.None);

        // The migrating role is not needed where there is nothing to migrate.
        await using (var alone = Alone(As(Server)))
            await alone.Open(CancellationToken.None);

        await Execute(_admin, $"revoke delete on chats from {Server}");
        var refusal = await Refused(null);
        Assert.Contains($"The role {Server} lacks rights on chats. Run as {Owner}: grant", refusal);
        await Execute(_admin, $"revoke usage on schema public from public; revoke usage on schema public from {Server}");
        Assert.Contains($"grant usage on schema public to {Server}", await Refused(null));
        // The service refuses a start with that role alone as well: it needs no right to create anything.
        Assert.EndsWith($"grant usage on schema public to {Server}", await RefusedAlone(As(Server)));
    }

    [Fact]
    public async Task A_schema_that_is_there_and_may_not_be_used_is_refused_with_the_grant()
    {
        await Execute(_admin, "create schema app; create extension btree_gin");

        await Obey(await RefusedAlone($"{As(Owner)};Search Path=app"), $"grant create, usage on schema app to {Owner}");

        await using var database = Alone($"{As(Owner)};Search Path=app");
        await database.Open(CancellationToken.None);
    }

    [Fact]
    public async Task A_migration_of_anothers_tables_is_refused_with_the_owner_to_run_it()
    {
        await Execute(
            _admin,
            $"grant create on schema public to {Owner}; grant create on schema public to {Server}; create extension btree_gin");
        await new Migrator(As(Owner), NullLogger.Instance, [new("0001_table.sql", "create table t (a int)")]).Run(CancellationToken.None);

        async Task<StartupException> Refuse() =>
            await Assert.ThrowsAsync<StartupException>(() =>
                new Migrator(
                    As(Server),
                    NullLogger.Instance,
                    [new("0001_table.sql", "create table t (a int)"), new("0002_column.sql", "alter table t add column b int")]
                ).Run(CancellationToken.None));
        await Obey((await Refuse()).Message, $"grant select on schemaversions to {Server}", as_: Owner);
        var refusal = await Refuse();

        Assert.Contains($"Run: grant {Owner} to {Server}", refusal.Message);
        Assert.Contains("ConnectionStrings__Migrations", refusal.Message);
    }

    [Fact]
    public async Task A_database_that_may_not_be_connected_to_is_refused_with_the_grant()
    {
        await Execute(_admin, $"revoke connect on database \"{Name}\" from public");

        Assert.Contains($"grant connect on database \"{Name}\" to \"{Owner}\"", await Refused(null));
    }

    private async Task Obey(string refusal, string expected, string? as_ = null)
    {
        Assert.Contains(expected, refusal);
        var statements = refusal[(refusal.IndexOf(": ", refusal.IndexOf("Run", StringComparison.Ordinal), StringComparison.Ordinal) + 2)..]
            .Split("; or ")[0];
        await Execute(as_ is null ? _admin : As(as_), statements);
    }

    private async Task<string> Refused(string? serving)
    {
        await using var database = Database(serving);
        return (await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None))).Message;
    }

    private static async Task<string> RefusedAlone(string connection)
    {
        await using var database = Alone(connection);
        return (await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None))).Message;
    }

    private static Database Alone(string connection) =>
        new(Settings(new() { ["ConnectionStrings:ChatLogger"] = connection }), NullLoggerFactory.Instance);

    private Database Database(string? serving) =>
        new(
            Settings(new() { ["ConnectionStrings:ChatLogger"] = serving ?? As(Server), ["ConnectionStrings:Migrations"] = As(Owner) }),
            NullLoggerFactory.Instance);

    private string As(string role) =>
        new NpgsqlConnectionStringBuilder(_admin)
        {
            Username = role,
            Password = Password,
            Pooling = true,
        }.ConnectionString;

    private static DatabaseSettings Settings(Dictionary<string, string?> settings) => DatabaseSettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), new HostingEnvironment { EnvironmentName = "Production" });

    private static async Task Execute(string text, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(text) { Pooling = false });
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>
/// A role that loses its rights, and a disk that is full, while the service runs: 503 and a word in the log, not a flood.
/// </summary>
public sealed class VanishingRightsTests(VanishingRightsTests.LimitedApp app) : IClassFixture<VanishingRightsTests.LimitedApp>
{
    [Fact]
    public async Task Rights_that_are_taken_away_are_a_503_with_a_word_in_the_log()
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

    [Fact]
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
