namespace ChatLogger.Bench.Chaos;

/// <summary>SIGSTOP for all processes of PostgreSQL: connections stay, and none gets a response.</summary>
internal sealed class PostgresFrozen() : Fault("frozen")
{
    public override double Lasts => 2;

    public override Task Begin(TestEnvironment site)
    {
        site.Postgres.Freeze(true);
        return Task.CompletedTask;
    }

    public override Task<string> End(TestEnvironment site)
    {
        site.Postgres.Freeze(false);
        return Task.FromResult("");
    }
}
