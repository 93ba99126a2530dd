namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of all of PostgreSQL, and a start that recovers.</summary>
internal sealed class PostgresKilled() : Fault("postgres")
{
    public override int Rounds => 10;

    public override double Lasts => 0.05;

    public override Task Begin(TestEnvironment site) => site.Postgres.Kill();

    public override async Task<string> End(TestEnvironment site)
    {
        await site.Postgres.Start();
        return "";
    }
}
