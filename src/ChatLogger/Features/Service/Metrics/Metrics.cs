using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>GET /metrics: what Prometheus reads, for whoever has the operator's token. Without one the service has no such path.</summary>
internal static class Metrics
{
    public static void Map(IEndpointRouteBuilder operators) =>
        operators.MapGet("/metrics", context => context.RequestServices.GetRequiredService<MetricsPage>().Answer(context)).ExcludeFromDescription();
}
