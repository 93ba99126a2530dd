using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Connections of the service to PostgreSQL end between statement and response: only PostgreSQL knows whether it committed.
/// </summary>
internal sealed class DatabaseCutOff() : Fault("cut-database")
{
    public override int Rounds => 3;

    private long before;

    public override bool NeedsRelay => true;

    public override Task Begin(TestEnvironment site)
    {
        (before, site.Database.Cutting) = (site.Database.Cuts, 0.03);
        return Task.CompletedTask;
    }

    public override Task<string> End(TestEnvironment site)
    {
        site.Database.Cutting = 0;
        return Task.FromResult(string.Create(CultureInfo.InvariantCulture, $"{site.Database.Cuts - before} connections cut"));
    }
}
