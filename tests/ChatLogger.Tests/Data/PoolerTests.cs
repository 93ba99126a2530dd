using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>
/// Behind PgBouncer the service works, and its sessions have the right parameters, however the pooler treats start-up parameters.
/// </summary>
public sealed class PoolerTests
{
    private const string Session = "pool_mode = session";
    private const string Dropping = "pool_mode = session\nignore_startup_parameters = options";
    private const string Transaction = "pool_mode = transaction\nserver_reset_query_always = 1";

    [PgBouncerTheory]
    [InlineData(Session, SessionSetup.ByStatement)]
    [InlineData(Dropping, SessionSetup.ByStatement)]
    [InlineData(null, SessionSetup.AtStartup)]
    internal async Task Every_session_of_every_pool_is_told_what_it_must_be_like(string? mode, SessionSetup setup)
    {
        var direct = await TestServer.NewDatabase();
        // On a cluster the service does not start where it is off for all sessions.
        var durability = CitusCluster.IsGiven ? "on" : "off";
        await Execute(
            direct,
            $"synchronous_commit = {durability}",
            "timezone = 'Asia/Kathmandu'",
            "default_transaction_isolation = 'serializable'",
            "statement_timeout = '7s'");
        await using var pooler = mode is null ? null : await PgBouncer.Start(direct, mode);

        await using (
            var database = new Database(
                Settings(new() { ["ConnectionStrings:ChatLogger"] = pooler?.Before(direct) ?? direct }),
                NullLoggerFactory.Instance))
        {
            await database.Open(CancellationToken.None);
            foreach (
                var (pool, expected) in new[]
                {
                    (database.Source, "30s|5s|2s"),
                    (database.Plugins, "30s|5s|2s"),
                    (database.Analytics, "30s|11s|2s"),
                    (database.Exports, "30s|0|2s"),
                    (database.Writing, "2s|4500ms|100ms"),
                })
            {
                // Twice: the parameters must survive the return of the connection to the pool.
                for (var i = 0; i < 2; i++)
                    Assert.Equal($"on|UTC|read committed|{expected}", await Ask(pool, Parameters));
                // A reset restores the start-up parameters.
                Assert.Equal(
                    setup == SessionSetup.AtStartup ? "on" : durability,
                    await Ask(pool, "select reset_val from pg_settings where name = 'synchronous_commit'"));
            }
        }
        await TestServer.Drop(direct);
    }

    [PgBouncerTheory]
    [InlineData(Session, false)]
    [InlineData(Dropping, false)]
    [InlineData(Transaction, true)]
    public async Task The_service_works_behind_it(string mode, bool transactions)
    {
        var app = new PooledApp(mode, transactions);
        await app.InitializeAsync();
        try
        {
            var acme = await app.Org("acme");
            var plugin = await acme.Plugin();
            var admin = await acme.Admin();
            // More than are prepared, on all pools.
            for (var i = 0; i < 10; i++)
            {
                var chat = await acme.Chat();
                (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "where is my order" })).Is(201);
                (await admin.Get($"/orgs/me/chats/{chat}/messages")).Is(200);
                (await admin.Get("/analytics/orgs/me/summary")).Is(200);
                (await admin.Get("/orgs/me/chats?q=order")).Is(200);
                (await app.Stranger.Get("/healthz/ready")).Is(200);
            }
            (await admin.Post("/exports/orgs/me", new { format = "json" })).Is(200);
            Assert.Equal(10, await acme.Count("messages"));
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    [PgBouncerTheory]
    [InlineData(Transaction, "does not pass on")]
    [InlineData(Transaction + "\nignore_startup_parameters = options", "does not pass on")]
    public async Task A_transaction_pooler_that_loses_the_operators_options_is_refused(string mode, string sentence)
    {
        var direct = await TestServer.NewDatabase();
        await Execute(direct, "synchronous_commit = on");
        await using var pooler = await PgBouncer.Start(direct, mode);

        var refused = await Refused(new()
        {
            ["ConnectionStrings:ChatLogger"] = pooler.Before(direct) + ";Options=-c geqo_threshold=7",
            ["ConnectionStrings:Migrations"] = direct,
            ["Database:TransactionPooler"] = "true",
        });

        Assert.Contains(sentence, refused);
        Assert.Contains("ConnectionStrings__ChatLogger", refused);
        Assert.Contains("set geqo_threshold = '7'", refused);
        await TestServer.Drop(direct);
    }

    [PgBouncerTheory]
    [InlineData(Session)]
    [InlineData(Dropping)]
    public async Task The_operators_options_hold_behind_a_pooler_that_takes_none(string mode)
    {
        var direct = await TestServer.EmptyDatabase();
        await using (var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(direct) { Pooling = false }))
            await Ask(source, "create schema app");
        await using var pooler = await PgBouncer.Start(direct, mode);

        await using (
            var database = new Database(
                Settings(
                    new() { ["ConnectionStrings:ChatLogger"] = pooler.Before(direct) + ";Options=-csearch_path=app -c lock_timeout=7s" }),
                NullLoggerFactory.Instance))
        {
            await database.Open(CancellationToken.None);
            Assert.Equal("app|7s", await Ask(database.Source, "select current_schema() || '|' || current_setting('lock_timeout')"));
            Assert.Equal(
                "app",
                await Ask(database.Writing, "select relnamespace::regnamespace::text from pg_class where oid = 'messages'::regclass"));
        }
        await TestServer.Drop(direct);
    }

    private const string Parameters =
        """
        select concat_ws('|', current_setting('synchronous_commit'), current_setting('timezone'),
            current_setting('default_transaction_isolation'),
            current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout'), current_setting('lock_timeout'))
        """;

    private static async Task<string> Refused(Dictionary<string, string?> settings)
    {
        await using var database = new Database(Settings(settings), NullLoggerFactory.Instance);
        return (await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None))).Message;
    }

    private static DatabaseSettings Settings(Dictionary<string, string?> settings) => DatabaseSettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), new HostingEnvironment { EnvironmentName = "Production" });

    private static async Task<string?> Ask(NpgsqlDataSource source, string sql)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (await command.ExecuteScalarAsync())?.ToString();
    }

    private static async Task Execute(string database, params string[] settings)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Pooling = false });
        foreach (var setting in settings)
            await Ask(source, $"alter database \"{new NpgsqlConnectionStringBuilder(database).Database}\" set {setting}");
    }

    private sealed class PooledApp(string mode, bool transactions) : App
    {
        private PgBouncer? _pooler;

        protected override async Task DropDatabase()
        {
            if (_pooler is not null)
                await _pooler.DisposeAsync();
            await base.DropDatabase();
        }

        protected override void Customize(WebApplicationBuilder builder)
        {
            PoolerTests.Execute(ConnectionString, "synchronous_commit = on").GetAwaiter().GetResult();
            _pooler = PgBouncer.Start(ConnectionString, mode).GetAwaiter().GetResult();
            builder.Configuration["ConnectionStrings:ChatLogger"] = _pooler.Before(ConnectionString);
            if (!transactions)
                return;
            builder.Configuration["ConnectionStrings:Migrations"] = ConnectionString;
            builder.Configuration["Database:TransactionPooler"] = "true";
        }
    }
}
