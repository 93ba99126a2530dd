using System.Globalization;

namespace ChatLogger.Bench.Drills;

/// <summary>
/// Connections of the service to PostgreSQL end while its inserts are slow: the statement of a connection that is gone goes on, holds its locks, and
/// commits after the service has sent the same rows again.
/// </summary>
internal sealed class SlowWritesCutOff() : Fault("cut-slow")
{
    private long before;

    public override int Rounds => 3;

    public override bool NeedsRelay => true;

    public override async Task Begin(Site site)
    {
        await site.Postgres.Execute(
            """
            create function drill_slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.15); return null; end';
            create trigger drill_slow after insert on messages for each statement execute function drill_slow();
            create trigger drill_slow after insert on chats for each statement execute function drill_slow()
            """);
        (before, site.Database.Cutting) = (site.Database.Cuts, 0.1);
    }

    public override async Task<string> End(Site site)
    {
        site.Database.Cutting = 0;
        await site.Postgres.Execute("drop function drill_slow cascade");
        return string.Create(CultureInfo.InvariantCulture, $"{site.Database.Cuts - before} connections cut");
    }
}
