using ChatLogger.Configuration;
using ChatLogger.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>Roles with minimal privileges in a database that another role created.</summary>
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
    public async Task Each_missing_privilege_is_named_with_the_statement_that_grants_it()
    {
        // Runs the statements of each refusal; in the end the service starts with privileges on rows only.
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
    public async Task An_existing_schema_without_the_usage_privilege_is_refused_with_the_grant()
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
