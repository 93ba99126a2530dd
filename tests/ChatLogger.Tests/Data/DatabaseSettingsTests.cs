using ChatLogger.Data;
using ChatLogger.Tests.Support;
using Npgsql;

namespace ChatLogger.Tests.Data;

public class DatabaseSettingsTests
{
    [Fact]
    public void A_connection_string_is_completed_but_what_it_says_itself_stays()
    {
        var completed = new NpgsqlConnectionStringBuilder(new DatabaseSettings { PoolSize = 12 }.Complete("Host=db;Timeout=9;MaxAutoPrepare=0;Options=-c lock_timeout=7"));

        Assert.Equal(("db", 9, 12, 0, "chatlogger"), (completed.Host, completed.Timeout, completed.MaxPoolSize, completed.MaxAutoPrepare, completed.ApplicationName));
        Assert.EndsWith(" -c lock_timeout=7", completed.Options);
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

        await using (var source = NpgsqlDataSource.Create(new DatabaseSettings { LockTimeout = TimeSpan.FromSeconds(3) }.Complete(database)))
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var discard = new NpgsqlCommand("discard all", connection);
            await discard.ExecuteNonQueryAsync();
            await using var ask = new NpgsqlCommand(
                """
                select concat_ws('|', current_setting('timezone'), current_setting('datestyle'), current_setting('intervalstyle'),
                    current_setting('synchronous_commit'), current_setting('default_transaction_isolation'), current_setting('statement_timeout'),
                    current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'))
                """,
                connection);
            Assert.StartsWith("UTC|ISO, ", (string)(await ask.ExecuteScalarAsync())!);
            Assert.EndsWith("|postgres|on|read committed|5500ms|3s|30s|chatlogger", (string)(await ask.ExecuteScalarAsync())!);
        }
        await TestServer.Drop(database);
    }
}
