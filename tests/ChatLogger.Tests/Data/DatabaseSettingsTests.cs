using ChatLogger.Configuration;
using ChatLogger.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

public class DatabaseSettingsTests
{
    [Fact]
    public void A_connection_string_is_completed_with_what_it_does_not_say()
    {
        var complete = new NpgsqlConnectionStringBuilder(new DatabaseSettings { PoolSize = 7 }.Complete("Host=db;Database=chatlogger"));

        Assert.Equal("db", complete.Host);
        Assert.Equal("chatlogger", complete.ApplicationName);
        Assert.Equal(7, complete.MaxPoolSize);
        Assert.Equal(4, complete.Timeout);
        Assert.Equal(250, complete.CancellationTimeout);
        Assert.Equal(100, complete.MaxAutoPrepare);
        Assert.Equal(2, complete.AutoPrepareMinUsages);
        Assert.Contains("-c timezone=UTC", complete.Options, StringComparison.Ordinal);
        Assert.Contains("-c synchronous_commit=on", complete.Options, StringComparison.Ordinal);
        Assert.Contains("-c statement_timeout=5000", complete.Options, StringComparison.Ordinal);
        Assert.Contains("-c lock_timeout=2000", complete.Options, StringComparison.Ordinal);
    }

    [Fact]
    public void Explicit_parameters_of_a_connection_string_win_in_any_spelling()
    {
        var complete = new NpgsqlConnectionStringBuilder(
            new DatabaseSettings().Complete(
                "Server=db;ApplicationName=mine;MaxPoolSize=100;timeout=15;Command Timeout=30;CancellationTimeout=2000;Max Auto "
                    + "Prepare=0;AutoPrepareMinUsages=5;options=-c geqo=off -c lock_timeout=7 -c timezone=Asia/Tokyo -c "
                    + "synchronous_commit=off"));

        Assert.Equal("mine", complete.ApplicationName);
        Assert.Equal(100, complete.MaxPoolSize);
        Assert.Equal(15, complete.Timeout);
        Assert.Equal(2000, complete.CancellationTimeout);
        Assert.Equal(0, complete.MaxAutoPrepare);
        Assert.Equal(5, complete.AutoPrepareMinUsages);
        // The last one of a name wins: the operator may change time-outs, but not what the service promises about times and commits.
        Assert.Contains("-c geqo=off", complete.Options, StringComparison.Ordinal);
        Assert.Equal("7", Effective(complete.Options!, "lock_timeout"));
        Assert.Equal("UTC", Effective(complete.Options!, "timezone"));
        Assert.Equal("on", Effective(complete.Options!, "synchronous_commit"));
    }

    [Fact]
    public async Task Every_session_is_alike_whatever_the_role_and_the_database_prefer()
    {
        var database = await TestServer.EmptyDatabase();
        await using (var prepared = NpgsqlDataSource.Create(database))
        {
            await using var prefer = prepared.CreateCommand(
                $"""
                alter database "{new NpgsqlConnectionStringBuilder(database).Database}" set timezone = 'Asia/Kathmandu';
                alter database "{new NpgsqlConnectionStringBuilder(database).Database}" set datestyle = 'German';
                alter database "{new NpgsqlConnectionStringBuilder(database).Database}" set default_transaction_isolation = 'serializable';
                alter database "{new NpgsqlConnectionStringBuilder(database).Database}" set synchronous_commit = off
                """);
            await prefer.ExecuteNonQueryAsync();
        }

        await using (
            var source = NpgsqlDataSource.Create(new DatabaseSettings { LockTimeout = TimeSpan.FromSeconds(3) }.Complete(database)))
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var discard = new NpgsqlCommand("discard all", connection);
            await discard.ExecuteNonQueryAsync();
            await using var ask = new NpgsqlCommand(
                """
                select concat_ws('|', current_setting('timezone'), current_setting('datestyle'), current_setting('intervalstyle'),
                    current_setting('synchronous_commit'), current_setting('default_transaction_isolation'),
                    current_setting('statement_timeout'), current_setting('lock_timeout'),
                    current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'))
                """,
                connection);
            Assert.StartsWith("UTC|ISO, ", (string)(await ask.ExecuteScalarAsync())!);
            Assert.EndsWith("|postgres|on|read committed|5s|3s|30s|chatlogger", (string)(await ask.ExecuteScalarAsync())!);
        }
        await TestServer.Drop(database);
    }

    [Fact]
    public async Task Behind_a_transaction_pooler_nothing_is_expected_of_a_session_but_what_the_database_gives_it()
    {
        var settings = new DatabaseSettings { TransactionPooler = true };
        foreach (
            var text in new[]
            {
                settings.Complete("Host=db"),
                settings.CompleteForAnalytics("Host=db"),
                settings.CompleteForExports("Host=db"),
                settings.CompleteForPlugins("Host=db"),
                settings.CompleteForWriting("Host=db", new Engine(false)),
            })
        {
            var complete = new NpgsqlConnectionStringBuilder(text);
            Assert.True(string.IsNullOrEmpty(complete.Options));
            Assert.Equal(0, complete.MaxAutoPrepare);
            Assert.True(complete.NoResetOnClose);
            Assert.Equal("UTC", complete.Timezone);
        }

        // What a flush needs goes along with it, and is gone with its transaction.
        var database = await TestServer.EmptyDatabase();
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Pooling = false });
        await using var connection = await source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(settings.WritingSessionSetup!));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select current_setting('lock_timeout') || current_setting('plan_cache_mode')"));
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            await reader.NextResultAsync();
            await reader.ReadAsync();
            Assert.Equal("100msforce_generic_plan", reader.GetString(0));
        }
        await using var after = new NpgsqlCommand(
            "select current_setting('lock_timeout') || current_setting('plan_cache_mode')",
            connection);
        Assert.Equal("0auto", await after.ExecuteScalarAsync());
        Assert.Null(new DatabaseSettings().WritingSessionSetup);
        await connection.CloseAsync();
        await TestServer.Drop(database);
    }

    [Fact]
    public async Task Behind_a_transaction_pooler_a_database_that_forgets_commits_refuses_the_start()
    {
        var text = await TestServer.EmptyDatabase();
        await using (var prepared = NpgsqlDataSource.Create(text))
        {
            await using var prefer = prepared.CreateCommand(
                $"alter database \"{new NpgsqlConnectionStringBuilder(text).Database}\" set synchronous_commit = off");
            await prefer.ExecuteNonQueryAsync();
        }
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:ChatLogger"] = text,
            ["Database:TransactionPooler"] = "true",
        });
        var environment = new HostingEnvironment { EnvironmentName = "Production" };
        Assert.Contains(
            "ConnectionStrings__Migrations",
            Assert.Throws<StartupException>(() => DatabaseSettings.Read(configuration.Build(), environment)).Message,
            StringComparison.Ordinal);

        configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:Migrations"] = text });
        await using (var database = new Database(DatabaseSettings.Read(configuration.Build(), environment), NullLoggerFactory.Instance))
        {
            var refused = await Assert.ThrowsAsync<StartupException>(() => database.Open(CancellationToken.None));
            Assert.Contains("synchronous_commit is off", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("timezone", refused.Message, StringComparison.Ordinal);
        }
        await TestServer.Drop(text);
    }

    [Fact]
    public void The_url_of_the_database_is_ignored_where_there_is_a_connection_string()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:ChatLogger"] = "Host=first;Database=chatlogger",
            ["DATABASE_URL"] = "postgres://second/chatlogger",
        });

        var settings = DatabaseSettings.Read(configuration.Build(), new HostingEnvironment { EnvironmentName = "Production" });

        Assert.Equal("first", new NpgsqlConnectionStringBuilder(settings.ConnectionString).Host);
    }

    private static string Effective(string options, string name)
    {
        var after = options[(options.LastIndexOf(name + "=", StringComparison.Ordinal) + name.Length + 1)..];
        return after.Split(' ')[0];
    }
}
