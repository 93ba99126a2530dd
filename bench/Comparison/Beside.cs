namespace ChatLogger.Bench.Comparison;

/// <summary>One load while another one runs: what is measured is the first.</summary>
internal sealed class Beside(string name, Contender measured, Contender other, int connections) : Contender(name, measured.Pid)
{
    public override async Task<Sample> Run(int count, int seconds, CancellationToken stop)
    {
        var beside = other.Run(connections, seconds, stop);
        var sample = await measured.Run(count, seconds, stop);
        var failed = (await beside).Failed;
        var failures = failed > 0 ? $"{sample.Failures} {other.Name}: {failed}" : sample.Failures;
        return sample with { Failed = sample.Failed + failed, Failures = failures };
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
