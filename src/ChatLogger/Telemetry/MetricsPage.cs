using OpenTelemetry.Metrics;

namespace ChatLogger.Telemetry;

/// <summary>Serves all metrics as Prometheus text, written by OpenTelemetry's exporter.</summary>
internal sealed class MetricsPage
{
    private readonly Lazy<RequestDelegate> _exporter;

    // The exporter creates the meter provider, which listens from then on, so it must not be created before the service starts.
    public MetricsPage(IServiceProvider services) =>
        _exporter = new(() => new ApplicationBuilder(services).UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build());

    public static void Add(MeterProviderBuilder metrics) => metrics.AddPrometheusExporter(exporter =>
    {
        exporter.ScrapeResponseCacheDurationMilliseconds = 0;
        // Both would add random ids and constant labels to every series.
        exporter.ScopeInfoEnabled = false;
        exporter.TargetInfoEnabled = false;
    });

    public Task Answer(HttpContext context)
    {
        // Every client gets format 0.0.4. OpenMetrics would write bounds as 1.0 instead of 1, and a second series for each counter.
        context.Request.Headers.Accept = default;
        context.Response.OnStarting(static response =>
        {
            // Removes Last-Modified, which would differ between GET and HEAD.
            ((HttpResponse)response).Headers.LastModified = default;
            return Task.CompletedTask;
        }, context.Response);
        return _exporter.Value(context);
    }
}
