using System.Globalization;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Eight instances start together on an empty database, and one is killed in the middle; the first one serves on meanwhile.
/// </summary>
internal sealed class EightStart() : Fault("start")
{
    private const int Many = 8;

    private static int times;

    public override bool FailsNobody => true;

    public override bool IsShort => false;

    public override double Lasts => 0;

    public override async Task Begin(TestEnvironment site)
    {
        var database = string.Create(CultureInfo.InvariantCulture, $"empty{Interlocked.Increment(ref times)}");
        await site.Postgres.Execute($"create database {database}");
        // Each has settings of its own, because what the first start creates must not depend on which instance is first.
        var instances = Enumerable.Range(0, Many).Select(_ => site.LaunchIn(database)).ToList();
        try
        {
            await UntilOneMigrates(site, database);
            await instances[0].Kill();
            await Task.WhenAll(instances.Skip(1).Select(instance => instance.Listens()));
            await using var connection = await site.Postgres.Connect(database);
            await using var command = new NpgsqlCommand(
                """
                select (select count(*) from schemaversions), (select count(distinct scriptname) from schemaversions),
                       (select count(*) from organizations), (select count(*) from pg_index where not indisvalid)
                """,
                connection);
            await using var reader = await command.ExecuteReaderAsync();
            await reader.ReadAsync();
            if (
                (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3))
                != (Migrator.Embedded.Count, Migrator.Embedded.Count, 1, 0))
                Broken.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{reader.GetInt64(0)} migrations, {reader.GetInt64(1)} of them different, {reader.GetInt64(2)} organizations, "
                            + $"{reader.GetInt64(3)} broken indexes"));
        }
        catch (UsageException failure)
        {
            Broken.Add(failure.Message);
        }
        finally
        {
            foreach (var instance in instances)
                await instance.DisposeAsync();
        }
    }

    public override Task<string> End(TestEnvironment site) => Task.FromResult("");

    private static async Task UntilOneMigrates(TestEnvironment site, string database)
    {
        await using var connection = await site.Postgres.Connect(database);
        await using var command = new NpgsqlCommand("select to_regclass('schemaversions') is not null", connection);
        while (await command.ExecuteScalarAsync() is not true)
            await Task.Delay(2);
    }
}
