using System.Diagnostics;
using System.Globalization;
using ChatLogger.Telemetry.Logs;
using OpenTelemetry;

namespace ChatLogger.Telemetry;

/// <summary>Our own spans, and the processing of those that libraries create.</summary>
internal static class Tracing
{
    /// <summary>The source of spans outside requests, such as the commit of a batch of many requests.</summary>
    public static readonly ActivitySource Source = new(Instruments.Name);

    // The query may contain search terms; host and user agent are what a caller claims.
    private static readonly string[] LeftOut = ["url.query", "user_agent.original", "server.address", "server.port"];

    /// <summary>Removes private data from a request's span, and sets path and scheme as the trusted proxies report them.</summary>
    public static void Describe(Activity span, HttpResponse response)
    {
        foreach (var tag in LeftOut)
            span.SetTag(tag, null);
        var request = response.HttpContext.Request;
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("url.path", LogText.Sanitize(request.Path.Value ?? ""));
        if (response.StatusCode >= StatusCodes.Status500InternalServerError)
            span.SetTag(Instruments.ErrorType, response.StatusCode.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>
    /// Drops the spans of queries that belong to no request: workers that poll every second would be most of the data.
    /// </summary>
    internal sealed class BackgroundQueryFilter : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.Source.Name == "Npgsql" && data.ParentSpanId == default)
                data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
