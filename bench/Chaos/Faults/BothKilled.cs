namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of the service and of all of PostgreSQL, as when a machine goes down.</summary>
internal sealed class BothKilled() : Fault("both")
{
    public override int Rounds => 5;

    public override double Lasts => 0.05;

    public override bool LeavesService => false;

    public override Task Begin(TestEnvironment site) => Task.WhenAll(site.KillService(), site.Postgres.Kill());

    public override async Task<string> End(TestEnvironment site)
    {
        await site.Postgres.Start();
        await site.StartService();
        return "";
    }
}
