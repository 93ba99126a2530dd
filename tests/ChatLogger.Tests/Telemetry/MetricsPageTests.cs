using System.Diagnostics.Metrics;
using System.Text;
using ChatLogger.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;
using OpenTelemetry.Metrics;

namespace ChatLogger.Tests.Telemetry;

/// <summary>How the page for Prometheus shows a measurement.</summary>
public sealed class MetricsPageTests : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Meter _meter;
    private readonly string _name = $"test_{Guid.NewGuid():N}";

    public MetricsPageTests()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration["Telemetry:MetricsToken"] = "0123456789abcdef";
        builder.Services.AddMetrics();
        builder.AddTelemetry();
        _services = builder.Services.BuildServiceProvider();
        _services.GetRequiredService<MeterProvider>();
        _meter = _services.GetRequiredService<IMeterFactory>().Create(Instruments.Name);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    [Fact]
    public async Task Names_and_units_are_spelled_as_Prometheus_does()
    {
        _meter.CreateCounter<long>($"{_name}.writes", "{write}").Add(1);
        _meter.CreateCounter<double>($"{_name}.time", "s").Add(0.5);
        _meter.CreateUpDownCounter<int>($"{_name}.size", "By").Add(3);
        _meter.CreateGauge<double>($"{_name}.used", "1").Record(0.25);
        _meter.CreateHistogram<double>($"{_name}.wait", "s").Record(1);
        var read = await Read();

        Assert.Equal(
            [
                ("_size_bytes", "gauge"),
                ("_time_seconds_total", "counter"),
                ("_used", "gauge"),
                ("_wait_seconds", "histogram"),
                ("_writes_total", "counter"),
            ],
            read.Families.Where(family => family.Key.StartsWith(_name, StringComparison.Ordinal))
                .Select(family => (family.Key[_name.Length..], family.Value.Type)));
        Assert.Equal(0.5, read.Value($"{_name}_time_seconds_total"));
        Assert.Equal(0.25, read.Value($"{_name}_used"));
    }

    [Fact]
    public async Task Help_and_label_texts_are_escaped_correctly()
    {
        const string text = "a \"quoted\" \\ and\na second line, {braces}, = and é";
        var counter = _meter.CreateCounter<long>(_name, null, "says \\ and\nmore");
        counter.Add(2, new KeyValuePair<string, object?>("a.label", text), new("truth", true), new("number", 7), new("nothing", null));
        var read = await Read();

        var sample = Assert.Single(read.Of($"{_name}_total"));
        Assert.Equal(
            [("a_label", text), ("nothing", ""), ("number", "7"), ("truth", "true")],
            sample.Labels.Select(label => (label.Key, label.Value)));
        Assert.Equal("says \\ and\nmore", read.Families[$"{_name}_total"].Help);
    }

    [Fact]
    public async Task A_bucket_holds_what_is_at_most_its_bound()
    {
        var histogram = _meter.CreateHistogram(
            _name,
            "s",
            "waits",
            null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1, 10] });
        foreach (var seconds in new[] { 0.05, 0.1, 0.5, 1, 10, 11 })
            histogram.Record(seconds);
        var read = await Read();

        Assert.Equal(
            [("0.1", 2), ("1", 4), ("10", 5), ("+Inf", 6)],
            read.Of($"{_name}_seconds_bucket").Select(bucket => (bucket.Labels["le"], bucket.Value)));
        Assert.Equal(22.65, read.Value($"{_name}_seconds_sum"), 9);
    }

    [Fact]
    public async Task The_same_labels_in_another_order_are_the_same_series()
    {
        var counter = _meter.CreateCounter<long>(_name);
        counter.Add(1, new KeyValuePair<string, object?>("a", 1), new("b", 2));
        counter.Add(1, new KeyValuePair<string, object?>("b", 2), new("a", 1));

        Assert.Equal(2, (await Read()).Value($"{_name}_total"));
    }

    [Fact]
    public async Task An_unbounded_set_of_labels_uses_bounded_memory_and_loses_no_count()
    {
        var counter = _meter.CreateCounter<long>(_name);
        for (var i = 0; i < 5_000; i++)
            counter.Add(1, new KeyValuePair<string, object?>("id", i));
        var samples = (await Read()).Of($"{_name}_total").ToList();

        Assert.Equal(1_001, samples.Count);
        Assert.Equal(5_000, samples.Sum(sample => sample.Value));
        Assert.Equal(4_000, Assert.Single(samples, sample => sample.Labels.ContainsKey("otel_metric_overflow")).Value);
    }

    [Fact]
    public async Task Series_that_an_observable_no_longer_reports_and_failing_observables_are_left_out()
    {
        Measurement<int>[] now =
        [
            new(1, new KeyValuePair<string, object?>("of", "one")),
            new(2, new KeyValuePair<string, object?>("of", "two")),
        ];
        var fails = false;
        _meter.CreateObservableGauge(_name, () => now);
        _meter.CreateObservableGauge($"{_name}.other", () => fails ? throw new InvalidOperationException() : 5);
        Assert.Equal(2, (await Read()).Value(_name, ("of", "two")));

        (now, fails) = ([now[0]], true);
        var read = await Read();

        Assert.Equal(["one"], read.Of(_name).Select(sample => sample.Labels["of"]));
        Assert.Empty(read.Of($"{_name}_other"));
    }

    [Fact]
    public async Task A_measurement_costs_no_memory()
    {
        var counter = _meter.CreateCounter<long>(_name);
        KeyValuePair<string, object?> first = new("first", "a value"), second = new("second", 7);
        long Hundred()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                counter.Add(1, first, second);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Hundred();

        Assert.InRange(Hundred(), 0, 1_000);
        Assert.Equal(200, (await Read()).Value($"{_name}_total"));
    }

    [Fact]
    public async Task Many_at_once_are_all_counted()
    {
        var counter = _meter.CreateCounter<long>(_name);
        var histogram = _meter.CreateHistogram<int>($"{_name}.of");
        Parallel.For(0, 20_000, i =>
        {
            counter.Add(1, new KeyValuePair<string, object?>("a", i % 3));
            histogram.Record(i % 100, new KeyValuePair<string, object?>("a", i % 2));
        });
        var read = await Read();

        Assert.Equal(20_000, read.Of($"{_name}_total").Sum(sample => sample.Value));
        Assert.Equal(20_000, read.Of($"{_name}_of_count").Sum(sample => sample.Value));
    }

    [Fact]
    public async Task Another_services_meters_are_not_read()
    {
        using var foreign = new Meter(new MeterOptions(Instruments.Name) { Scope = Substitute.For<IMeterFactory>() });
        using var unknown = new Meter("Somebody.Else");
        foreign.CreateCounter<long>(_name).Add(1);
        unknown.CreateCounter<long>($"{_name}.other").Add(1);

        Assert.DoesNotContain((await Read()).Samples, sample => sample.Name.StartsWith(_name, StringComparison.Ordinal));
    }

    private async Task<Exposition> Read()
    {
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = _services, Response = { Body = body } };
        await _services.GetRequiredService<MetricsPage>().Answer(context);
        return Exposition.Read(Encoding.UTF8.GetString(body.ToArray()));
    }
}
