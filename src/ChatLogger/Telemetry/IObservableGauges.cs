using System.Diagnostics.Metrics;

namespace ChatLogger.Telemetry;

/// <summary>
/// What an area can be asked at any time: how much waits, how far behind it is. Reading must be quick and never fail, so what comes from the database
/// is asked for beforehand, and only while somebody listens (<see cref="Instrument.Enabled"/>).
/// </summary>
internal interface IObservableGauges
{
    /// <summary>Makes the area's observable instruments, once, at the start.</summary>
    void Add(Meter meter);
}

/// <summary>Asks the areas for their gauges when the service starts.</summary>
internal sealed class Gauges(IMeterFactory meters, IEnumerable<IObservableGauges> areas) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = meters.Create(Instruments.Name);
        meter.CreateObservableGauge(
            "chatlogger.build_info", () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", TelemetrySetup.Version)), null, "What is running.");
        foreach (var area in areas)
            area.Add(meter);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
