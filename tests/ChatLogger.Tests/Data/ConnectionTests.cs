using ChatLogger.Configuration;
using ChatLogger.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>
/// The operator's connection parameters apply to migrations and to every pool, or refuse the start with a sentence.
/// </summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData(";Options=-csearch_path=app")]
    [InlineData(";Options=-c search_path=app\\,public")]
    [InlineData(";Options=--search-path=app")]
    [InlineData(";Search Path=app")]
    public async Task Migrations_and_service_work_in_the_schema_that_the_operator_names(string given)
    {
        var text = await TestServer.EmptyDatabase();
        await Execute(text, "create schema app");

        await using (var database = new Database(Settings(text + given), NullLoggerFactory.Instance))
        {
            await database.Open(CancellationToken.None);
            foreach (var pool in new[] { database.Source, database.Analytics, database.Exports, database.Plugins, database.Writing })
                Assert.Equal(
                    "app",
                    await Ask(pool, "select relnamespace::regnamespace::text from pg_class where oid = 'messages'::regclass"));
            Assert.True(await Migrator.IsCurrent(database.Source, CancellationToken.None));
            Assert.Equal(
                "0",
                await Ask(
                    database.Source,
                    "select count(*)::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"));
        }
        await TestServer.Drop(text);
    }

    [Fact]
    public async Task Migrations_in_another_schema_than_the_services_are_refused()
    {
        var text = await TestServer.EmptyDatabase();
        await Execute(text, "create schema app");

        var refusal = await Refused(text + ";Options=-csearch_path=app", migrations: text);

        Assert.Contains("search_path", refusal);
        Assert.Contains(".public", refusal);
        await TestServer.Drop(text);
    }

    [Fact]
    public async Task A_search_path_without_a_schema_is_refused_with_the_statement_that_makes_it()
    {
        var text = await TestServer.EmptyDatabase();

        Assert.Contains("Run: create schema app authorization", await Refused(text + ";Options=-csearch_path=app"));
        await TestServer.Drop(text);
    }

    [Fact]
    public async Task A_read_only_role_is_refused_with_the_statement_that_helps()
    {
        var text = await TestServer.EmptyDatabase();
        await Execute(
            text,
            $"alter database \"{new NpgsqlConnectionStringBuilder(text).Database}\" set default_transaction_read_only = on");

        Assert.Contains("set default_transaction_read_only = off", await Refused(text));
        await TestServer.Drop(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-- no-transaction\n")]
    public async Task A_migration_takes_the_time_it_takes_whatever_role_and_operator_say_of_statements(string header)
    {
        var text = await TestServer.EmptyDatabase();
        var name = new NpgsqlConnectionStringBuilder(text).Database;
        foreach (
            var parameter in new[] { "statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout" })
            await Execute(text, $"alter database \"{name}\" set {parameter} = '1s'");
        Migrator.Script slow = new("0001_slow.sql", header + "select pg_sleep(1.5);");

        Assert.Equal(
            1,
            await new Migrator(text + ";Options=-c statement_timeout=1000", NullLogger.Instance, [slow]).Run(CancellationToken.None));
        await TestServer.Drop(text);
    }

    [Fact]
    public async Task A_host_list_and_target_session_attributes_are_followed()
    {
        var text = await TestServer.NewDatabase();
        var host = new NpgsqlConnectionStringBuilder(text).Host;
        foreach (
            var given in new[]
            {
                $";Host=/nowhere,{host}",
                $";Host={host},/nowhere;Target Session Attributes=primary",
                ";Target Session Attributes=read-write",
            })
        {
            await using var database = new Database(Settings(text + given), NullLoggerFactory.Instance);
            await database.Open(CancellationToken.None);
            Assert.Equal("1", await Ask(database.Writing, "select 1"));
        }
        await TestServer.Drop(text);
    }

    [Fact]
    public async Task When_no_host_answers_the_failure_of_each_is_reported()
    {
        await using var database = new Database(
            Settings("Host=/nowhere,/elsewhere;Username=ada;Database=chat", impatient: true),
            NullLoggerFactory.Instance);

        var refusal = (await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None))).Message;

        Assert.Contains("/nowhere", refusal);
        Assert.Contains("; ", refusal);
        Assert.Contains("/elsewhere", refusal);
        Assert.DoesNotContain("inner exception", refusal);
    }

    // One value for each parameter of Npgsql: it works, or it is refused by a sentence that names it.
    [Fact]
    public async Task Every_parameter_of_Npgsql_works_or_is_refused_by_its_name()
    {
        var text = await TestServer.NewDatabase();
        var names = typeof(NpgsqlConnectionStringBuilder)
            .GetProperties()
            .Select(property =>
                property
                    .GetCustomAttributes(typeof(System.ComponentModel.DisplayNameAttribute), true)
                    .Cast<System.ComponentModel.DisplayNameAttribute>()
                    .FirstOrDefault()
                    ?.DisplayName)
            .Where(name => name is not null and not ("Host" or "Port" or "Database" or "Username" or "Password"))
            .ToList();
        Assert.InRange(names.Count, 40, 100);
        var refusals = new List<string>();
        foreach (var name in names)
        {
            foreach (var value in new[] { "true", "1", "require", "/nowhere", "nonsense" })
            {
                try
                {
                    await using var database = new Database(
                        Settings($"{text};{name}={value}", impatient: true),
                        NullLoggerFactory.Instance);
                    await database.Open(CancellationToken.None);
                    Assert.Equal("1", await Ask(database.Writing, "select 1"));
                }
                catch (StartupException refused)
                {
                    refusals.Add($"{name}={value}: {refused.Message}");
                    Assert.True(
                        refused.Message.StartsWith("ConnectionStrings__ChatLogger", StringComparison.Ordinal) || name == "Search Path",
                        refused.Message);
                }
            }
        }
        await TestServer.Drop(text);
        Assert.Contains(refusals, refusal => refusal.StartsWith("Timeout=nonsense", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Host=db;Target Session Attributes=standby", "Target Session Attributes (target_session_attrs)")]
    [InlineData("Host=db;SSL Negotiation=Direct", "SSL Negotiation (sslnegotiation)")]
    [InlineData("Host=db;SSL Mode=VerifyFull;Root Certificate=/nowhere/ca.pem", "Root Certificate (sslrootcert)")]
    [InlineData("Host=db;Password=a;hunter2", "not a connection string")]
    [InlineData("Host=db;Password=a;hunter2=b", "name is not shown")]
    [InlineData("Host=db;Timeout=hunter2", "Timeout")]
    [InlineData("Host=db;Options=-B 5", "Options")]
    [InlineData("Host=db;Client Encoding=latin1", "Client Encoding")]
    [InlineData("Database=chat", "names no host")]
    [InlineData("mysql://me:hunter2@db/chat", "it begins with mysql://")]
    public void Unsupported_parameters_are_refused_by_name(string text, string named)
    {
        var refusal = Assert.Throws<StartupException>(() => Settings(text)).Message;

        Assert.StartsWith("ConnectionStrings__ChatLogger", refusal);
        Assert.Contains(named, refusal);
        Assert.DoesNotContain("hunter2", refusal);
    }

    private static async Task<string> Refused(string text, string? migrations = null)
    {
        await using var database = new Database(Settings(text, migrations), NullLoggerFactory.Instance);
        return (await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None))).Message;
    }

    private static DatabaseSettings Settings(string text, string? migrations = null, bool impatient = false) => DatabaseSettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:ChatLogger"] = text,
            ["ConnectionStrings:Migrations"] = migrations,
            ["Database:StartTimeout"] = impatient ? "00:00:00" : null,
        }).Build(),
        new HostingEnvironment { EnvironmentName = "Production" });

    private static async Task<string?> Ask(NpgsqlDataSource source, string sql)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (await command.ExecuteScalarAsync())?.ToString();
    }

    private static async Task Execute(string text, string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(text) { Pooling = false });
        await Ask(source, sql);
    }
}
