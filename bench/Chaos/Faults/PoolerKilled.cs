namespace ChatLogger.Bench.Chaos;

/// <summary>PgBouncer in transaction mode is in between, forgets every session, and is killed and started again.</summary>
internal sealed class PoolerKilled() : Fault("pooler")
{
    public override bool IsShort => false;

    public override bool NeedsPooler => true;

    public override double Lasts => 0.2;

    public override Task Begin(TestEnvironment site) => site.Pooler!.Kill();

    public override async Task<string> End(TestEnvironment site)
    {
        await site.Pooler!.Start();
        return "";
    }
}
