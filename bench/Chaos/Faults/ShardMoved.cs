namespace ChatLogger.Bench.Chaos;

/// <summary>The shard of the organization is moved to the other worker of the cluster while it is read and written.</summary>
internal sealed class ShardMoved() : Fault("shard")
{
    public override int Rounds => 4;

    public override bool IsShort => false;

    public override bool NeedsCluster => true;

    public override double Lasts => 0;

    public override Task Begin(TestEnvironment site) => site.Nodes!.Move();

    public override async Task<string> End(TestEnvironment site)
    {
        var (_, worker) = await site.Nodes!.Place();
        return $"now on port {worker.Port}";
    }
}
