using OpenTelemetry.Metrics;

namespace ChatLogger.Telemetry;

/// <summary>All metrics as text for Prometheus, written by OpenTelemetry's exporter.</summary>
internal sealed class MetricsPage
{
    private readonly Lazy<RequestDelegate> _exporter;

    // The exporter brings the meter provider with it, which listens from when it is made: not before the service starts.
    public MetricsPage(IServiceProvider services) =>
        _exporter = new(() => new ApplicationBuilder(services).UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build());

    public static void Add(MeterProviderBuilder metrics) => metrics.AddPrometheusExporter(exporter =>
    {
        exporter.ScrapeResponseCacheDurationMilliseconds = 0;
        // Both would put random ids and the same few words on every series.
        exporter.ScopeInfoEnabled = false;
        exporter.TargetInfoEnabled = false;
    });

    public Task Answer(HttpContext context)
    {
        // Every reader gets format 0.0.4. OpenMetrics writes bounds as 1.0 that are 1 there, and a second series for each counter.
        context.Request.Headers.Accept = default;
        context.Response.OnStarting(static response =>
        {
            // Between GET and HEAD the clock goes on.
            ((HttpResponse)response).Headers.LastModified = default;
            return Task.CompletedTask;
        }, context.Response);
        return _exporter.Value(context);
    }
}
