namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of all of PostgreSQL on the coordinator of the cluster, and a start that recovers.</summary>
internal sealed class CoordinatorKilled() : Fault("coordinator")
{
    public override int Rounds => 10;

    public override bool IsShort => false;

    public override bool NeedsCluster => true;

    public override double Lasts => 0.05;

    public override Task Begin(TestEnvironment site) => site.Postgres.Kill();

    public override async Task<string> End(TestEnvironment site)
    {
        await site.Postgres.Start();
        return "";
    }
}
