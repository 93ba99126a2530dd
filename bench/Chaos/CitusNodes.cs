using System.Globalization;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// The workers of a Citus cluster, whose coordinator is the PostgreSQL of the drill: all of them servers of the drill's own.
/// </summary>
internal sealed class CitusNodes
{
    /// <summary>What each node needs, and <c>wal_level</c> for a shard that is moved while it is written to.</summary>
    public const string Settings = "-c shared_preload_libraries=citus -c max_prepared_transactions=200 -c wal_level=logical";

    private readonly Postgres coordinator;

    private CitusNodes(Postgres coordinator, List<Postgres> workers) => (this.coordinator, Workers) = (coordinator, workers);

    /// <summary>Why this machine cannot run a cluster; null: it can.</summary>
    public static string? Missing => PostgresBinaries.Find(null) is { } binaries && File.Exists(Library(binaries))
        ? null
        : "Citus is not installed with the PostgreSQL that the drill runs";

    public IReadOnlyList<Postgres> Workers { get; }

    /// <summary>Starts two workers and makes them, with the coordinator, a cluster without tables.</summary>
    public static async Task<CitusNodes> Join(Postgres coordinator, string directory)
    {
        var workers = new List<Postgres>();
        try
        {
            for (var i = 1; i <= 2; i++)
                workers.Add(await Postgres.Create(directory, string.Create(CultureInfo.InvariantCulture, $"worker-{i}"), Settings));
            foreach (var node in workers.Prepend(coordinator))
                await node.Execute("create extension citus");
            await coordinator.Execute(
                string.Create(CultureInfo.InvariantCulture, $"select citus_set_coordinator_host('127.0.0.1', {coordinator.Port})"));
            foreach (var worker in workers)
                await coordinator.Execute(
                    string.Create(CultureInfo.InvariantCulture, $"select citus_add_node('127.0.0.1', {worker.Port})"));
            return new(coordinator, workers);
        }
        catch
        {
            await Kill(workers);
            throw;
        }
    }

    /// <summary>Distributes the tables of the migrated database, as an operator does. No instance may run.</summary>
    public async Task Distribute()
    {
        await using var script = typeof(CitusNodes).Assembly.GetManifestResourceStream("distribute.sql")!;
        using var text = new StreamReader(script);
        await coordinator.Execute($"begin; set local citus.shard_count to 8; {await text.ReadToEndAsync()}; commit");
    }

    /// <summary>The shard of the drill's organization, and the worker that has it.</summary>
    public async Task<(long Shard, Postgres Worker)> Place()
    {
        var org = (await coordinator.Ids($"select id from organizations where slug = '{TestEnvironment.Slug}'"))[0];
        var shard = await coordinator.Count($"select get_shard_id_for_distribution_column('chats', '{org}')");
        var port = await coordinator.Count(
            string.Create(CultureInfo.InvariantCulture, $"select nodeport::bigint from citus_shards where shardid = {shard}"));
        return (shard, Workers.First(worker => worker.Port == port));
    }

    /// <summary>Moves the shard of the drill's organization, with all that belongs to it, to the other worker while it is used.</summary>
    public async Task Move()
    {
        var (shard, from) = await Place();
        var to = Workers.First(worker => worker != from);
        await coordinator.Execute(
            string.Create(
                CultureInfo.InvariantCulture,
                $"select citus_move_shard_placement({shard}, '127.0.0.1', {from.Port}, '127.0.0.1', {to.Port}, 'force_logical')"));
    }

    public Task Kill() => Kill(Workers);

    private static async Task Kill(IEnumerable<Postgres> workers)
    {
        foreach (var worker in workers)
            await worker.Kill();
    }

    // Debian and the builds of PostgreSQL itself have libraries beside the programs, to which there may be links elsewhere.
    private static string Library(PostgresBinaries binaries)
    {
        var program = File.ResolveLinkTarget(binaries.PgCtl, returnFinalTarget: true)?.FullName ?? binaries.PgCtl;
        return Path.Combine(Path.GetDirectoryName(program)!, "..", "lib", "citus.so");
    }
}
