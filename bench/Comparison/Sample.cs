namespace ChatLogger.Bench.Comparison;

/// <summary>The result of one run. Only acknowledged requests count; percentiles are null where they are not known.</summary>
internal sealed record Sample(double PerSecond, TimeSpan? P50, TimeSpan? P99, long Failed, string Failures);

/// <summary>A target that can be put under load: a service behind HTTP, or PostgreSQL itself.</summary>
internal abstract class Contender(string name, int? pid) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>The process of the server, if it is known and on this machine.</summary>
    public int? Pid => pid;

    public abstract Task<Sample> Run(int connections, int seconds, CancellationToken stop);

    public abstract ValueTask DisposeAsync();
}
