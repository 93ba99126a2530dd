using System.Diagnostics;
using System.Globalization;
using ChatLogger.Telemetry.Logs;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;

namespace ChatLogger.Telemetry;

/// <summary>
/// Puts on the server's span what the framework leaves out: the route, the status, a name by which spans can be grouped. Not the query, for it is
/// what somebody looks for; nor who they are, nor from where.
/// </summary>
internal static class Tracing
{
    /// <summary>What happens beside requests: a commit for many.</summary>
    public static readonly ActivitySource Source = new(Instruments.Name);

    private static readonly string[] KnownMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

    public static async Task Middleware(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        finally
        {
            if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } span)
                Describe(span, context);
        }
    }

    private static void Describe(Activity span, HttpContext context)
    {
        var request = context.Request;
        // Whatever a caller calls a method: spans have few names.
        var isKnown = KnownMethods.Contains(request.Method);
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = $"{(isKnown ? request.Method : "HTTP")}{(route is null ? "" : $" /{route.TrimStart('/')}")}";
        span.SetTag("http.request.method", isKnown ? request.Method : "_OTHER");
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("url.path", LogText.Harmless(request.Path.Value ?? ""));
        if (route is not null)
            span.SetTag("http.route", $"/{route.TrimStart('/')}");
        var status = context.Response.StatusCode;
        span.SetTag("http.response.status_code", status);
        // Of a server's span a 4xx is no error: that it refuses is what it is for.
        if (status >= StatusCodes.Status500InternalServerError)
        {
            span.SetTag(Instruments.ErrorType, status.ToString(CultureInfo.InvariantCulture));
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>
    /// Leaves out what the database is asked for nobody's sake: workers that look every second whether there is something to do would be most of
    /// all there is to see.
    /// </summary>
    internal sealed class WithoutIdleQuestions : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.Source.Name == "Npgsql" && data.ParentSpanId == default)
                data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
