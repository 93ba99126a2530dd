using System.Diagnostics.Metrics;
using System.Text;

namespace ChatLogger.Telemetry.Prometheus;

/// <summary>
/// Listens to the meters and keeps what Prometheus comes for: sums since the start, last values, counts by bucket. It asks the observable
/// instruments when it is read.
/// </summary>
internal sealed class Readings : IHostedService, IDisposable
{
    /// <summary>Of the text format, version 0.0.4: what every version of Prometheus, and everything that calls itself compatible, reads.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly IMeterFactory _mine;
    private readonly Lock _reading = new();
    private long _reads;

    public Readings(IMeterFactory mine)
    {
        _mine = mine;
        _listener.InstrumentPublished = Listen;
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Measure(state, value, tags));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Measure(state, (double)value, tags));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener.Dispose();

    /// <summary>All there is, as text.</summary>
    public string Read()
    {
        // One at a time: two that read together would take each other's observations for their own.
        lock (_reading)
        {
            var reading = Interlocked.Increment(ref _reads);
            try
            {
                _listener.RecordObservableInstruments();
            }
            // One of the instruments failed, the others have spoken: it is missing from this reading.
            catch (AggregateException)
            {
            }
            var text = new StringBuilder(16_384);
            text.Append("# HELP chatlogger_build_info What is running.\n# TYPE chatlogger_build_info gauge\n");
            text.Append("chatlogger_build_info{").Append(PrometheusName.Labels([new("version", Signals.Version)])).Append("} 1\n");
            Family[] families;
            lock (_families)
                families = [.. _families.Values];
            foreach (var family in families)
                family.Write(text, reading);
            return text.ToString();
        }
    }

    private void Listen(Instrument instrument, MeterListener listener)
    {
        // A meter that was made for another service in this process is not ours to read.
        if (!Signals.Meters.Contains(instrument.Meter.Name) || (instrument.Meter.Scope is IMeterFactory factory && !ReferenceEquals(factory, _mine)))
            return;
        var family = new Family(instrument);
        lock (_families)
        {
            // A name has one type. Meters of one name may come and go, and what they measure is the same.
            if (_families.TryGetValue(family.Name, out var known))
                family = known.Type == family.Type && known.IsObserved == family.IsObserved ? known : null;
            else
                _families.Add(family.Name, family);
        }
        if (family is not null)
            listener.EnableMeasurementEvents(instrument, family);
    }

    private void Measure(object? family, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        ((Family)family!).Measure(value, tags, Interlocked.Read(ref _reads));
}
