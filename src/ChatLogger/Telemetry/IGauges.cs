using System.Diagnostics.Metrics;

namespace ChatLogger.Telemetry;

/// <summary>
/// What an area can be asked at any time: how much waits, how far behind it is. Reading must be quick and never fail, so what comes from the database
/// is asked for beforehand, and only while somebody listens (<see cref="Instrument.Enabled"/>).
/// </summary>
internal interface IGauges
{
    /// <summary>Makes the area's observable instruments, once, at the start.</summary>
    void Add(Meter meter);
}

/// <summary>Asks the areas for their gauges when the service starts, and takes them away with it.</summary>
internal sealed class Gauges(IEnumerable<IGauges> areas) : IHostedService, IDisposable
{
    private readonly Meter _meter = new(Instruments.Name);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var area in areas)
            area.Add(_meter);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();
}
