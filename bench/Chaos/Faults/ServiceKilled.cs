namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of the service, and a new start.</summary>
internal sealed class ServiceKilled() : Fault("service")
{
    public override int Rounds => 20;

    public override double Lasts => 0.05;

    public override bool LeavesService => false;

    public override Task Begin(TestEnvironment site) => site.KillService();

    public override async Task<string> End(TestEnvironment site)
    {
        await site.StartService();
        return "";
    }
}
