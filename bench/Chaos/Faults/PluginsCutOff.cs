using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>Connections of plugins end between request and answer, before or after the commit.</summary>
internal sealed class PluginsCutOff() : Fault("cut")
{
    public override int Rounds => 3;

    private long before;

    public override Task Begin(TestEnvironment site)
    {
        (before, site.ServiceProxy.Cutting) = (site.ServiceProxy.Cuts, 0.1);
        return Task.CompletedTask;
    }

    public override Task<string> End(TestEnvironment site)
    {
        site.ServiceProxy.Cutting = 0;
        return Task.FromResult(string.Create(CultureInfo.InvariantCulture, $"{site.ServiceProxy.Cuts - before} connections cut"));
    }
}
