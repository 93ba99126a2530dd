using System.Diagnostics;
using System.Globalization;
using ChatLogger.Telemetry.Logs;
using OpenTelemetry;

namespace ChatLogger.Telemetry;

/// <summary>Our own spans, and what becomes of those that the libraries make.</summary>
internal static class Tracing
{
    /// <summary>What happens beside requests: a commit for many.</summary>
    public static readonly ActivitySource Source = new(Instruments.Name);

    // The query is what somebody looks for; the host and the agent are what a caller says of themselves.
    private static readonly string[] LeftOut = ["url.query", "user_agent.original", "server.address", "server.port"];

    /// <summary>Takes off a request's span what is nobody's business. Its path and scheme are as the proxies before us are understood by now.</summary>
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
    /// Leaves out what the database is asked for nobody's sake: workers that look every second whether there is something to do would be most of
    /// all there is to see.
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
