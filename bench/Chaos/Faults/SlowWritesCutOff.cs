using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Connections of the service to PostgreSQL end while its inserts are slow: the statement of a connection that is gone goes on, holds its
/// locks, and commits after the service has sent the same rows again.
/// </summary>
internal sealed class SlowWritesCutOff() : Fault("cut-slow")
{
    private long before;

    public override int Rounds => 3;

    public override bool NeedsRelay => true;

    public override async Task Begin(TestEnvironment site)
    {
        await site.Postgres.Execute(
            "create function drill_slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.15); return null; end'");
        // One table at a time: with locks on both it would deadlock with the writers.
        foreach (var table in new[] { "messages", "chats" })
            await site.Postgres.Execute(
                $"create trigger drill_slow after insert on {table} for each statement execute function drill_slow()");
        (before, site.Database.Cutting) = (site.Database.Cuts, 0.1);
    }

    public override async Task<string> End(TestEnvironment site)
    {
        site.Database.Cutting = 0;
        foreach (var table in new[] { "messages", "chats" })
            await site.Postgres.Execute($"drop trigger drill_slow on {table}");
        await site.Postgres.Execute("drop function drill_slow()");
        return string.Create(CultureInfo.InvariantCulture, $"{site.Database.Cuts - before} connections cut");
    }
}
