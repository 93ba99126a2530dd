namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of all of PostgreSQL on the worker of the cluster that has the organization, and a start that recovers.</summary>
internal sealed class NodeKilled() : Fault("node")
{
    private Postgres? killed;

    public override int Rounds => 10;

    public override bool IsShort => false;

    public override bool NeedsCluster => true;

    public override double Lasts => 0.05;

    public override async Task Begin(TestEnvironment site)
    {
        (_, killed) = await site.Nodes!.Place();
        await killed.Kill();
    }

    public override async Task<string> End(TestEnvironment site)
    {
        await killed!.Start();
        return "";
    }
}
