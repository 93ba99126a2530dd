using System.Globalization;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// PostgreSQL itself, driven by pgbench without HTTP: one insert per transaction into a table that is like ours, with its constraints,
/// indexes and foreign key, in a schema of its own that is dropped afterwards.
/// </summary>
internal sealed partial class Pgbench : Contender
{
    public const int Chats = 1000;
    public const string OrgId = "00000000-0000-7000-8000-0000000be9c4";

    private readonly NpgsqlDataSource source;
    private readonly string url;
    private readonly Load load;
    private readonly string script = Path.GetTempFileName();

    private Pgbench(NpgsqlDataSource source, string url, Load load) : base("pgbench", null)
    {
        this.source = source;
        this.url = url;
        this.load = load;
        File.WriteAllText(script, load.Transaction);
    }

    public static async Task<Pgbench> Prepare(NpgsqlDataSource source, string url, Load load, CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        await connection.ExecuteAsync(
            $"""
            drop schema if exists chatlogger_bench cascade;
            create schema chatlogger_bench;
            create table chatlogger_bench.chats (like chats including all);
            create table chatlogger_bench.messages (like messages including all);
            alter table chatlogger_bench.messages add foreign key (org_id, chat_id) references chatlogger_bench.chats (org_id, id);

            insert into chatlogger_bench.chats (org_id, id, created_at, updated_at)
            select '{OrgId}', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), now()
            from generate_series(1, {Chats}) n;

            analyze chatlogger_bench.chats;
            """);
        return new Pgbench(source, url, load);
    }

    public override async Task<Sample> Run(int connections, int seconds, CancellationToken stop)
    {
        var said = await Tool.Run(
            "pgbench",
            "it comes with PostgreSQL (Debian: in /usr/lib/postgresql/*/bin, apt-get install postgresql)",
            [
                "--no-vacuum",
                "--protocol=prepared",
                $"--client={Text(connections)}",
                "--jobs=1",
                $"--time={Text(seconds)}",
                $"--file={script}",
                url,
            ],
            [],
            stop);
        return Read(said, load.PerRequest);
    }

    public override async ValueTask DisposeAsync()
    {
        File.Delete(script);
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync("drop schema if exists chatlogger_bench cascade");
    }

    /// <summary>
    /// pgbench knows the average of the latencies, not their percentiles; a client that meets an error leaves, and pgbench fails.
    /// </summary>
    public static Sample Read(string said, int perTransaction)
    {
        var rate = Rate().Match(said);
        return rate.Success
            ? new Sample(double.Parse(rate.ValueSpan["tps = ".Length..], CultureInfo.InvariantCulture) * perTransaction, null, null, 0, "")
            : throw new UsageException($"pgbench said nothing that is understood: {Excerpt.Of(said)}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^tps = [0-9.]+", RegexOptions.Multiline)]
    private static partial Regex Rate();
}
