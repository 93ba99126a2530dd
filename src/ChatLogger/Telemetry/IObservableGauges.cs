using System.Diagnostics.Metrics;

namespace ChatLogger.Telemetry;

/// <summary>
/// The gauges of a feature, such as queue lengths and lags. Reading must be quick and never fail, so values from the database are queried
/// in advance, and only while somebody listens (<see cref="Instrument.Enabled"/>).
/// </summary>
internal interface IObservableGauges
{
    /// <summary>Creates the feature's observable instruments, once at startup.</summary>
    void Add(Meter meter);
}

/// <summary>Creates the gauges of all features when the service starts.</summary>
internal sealed class Gauges(IMeterFactory meters, IEnumerable<IObservableGauges> areas) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = meters.Create(Instruments.Name);
        meter.CreateObservableGauge(
            "chatlogger.build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", TelemetrySetup.Version)),
            null,
            "What is running.");
        foreach (var area in areas)
            area.Add(meter);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
