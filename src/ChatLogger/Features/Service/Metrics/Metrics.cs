using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>
/// GET /metrics: the metrics for Prometheus, with the operator's token. Without a configured token the path does not exist.
/// </summary>
internal static class Metrics
{
    public static void Map(IEndpointRouteBuilder operators) =>
        operators
            .MapGet("/metrics", context => context.RequestServices.GetRequiredService<MetricsPage>().Answer(context))
            .ExcludeFromDescription();
}
