using System.Diagnostics;

namespace ChatLogger.Http;

/// <summary>
/// Logs one line per request when <c>Logging__LogLevel__Requests=Debug</c> is set. The line has the trace id that an error response names,
/// but not the query string, because it may contain search terms.
/// </summary>
internal sealed partial class RequestLog(RequestDelegate next, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("Requests");

    public async Task InvokeAsync(HttpContext context)
    {
        if (!_log.IsEnabled(LogLevel.Debug))
        {
            await next(context);
            return;
        }
        var since = Stopwatch.GetTimestamp();
        var trace = ProblemWriter.TraceId(context);
        try
        {
            await next(context);
        }
        finally
        {
            var request = context.Request;
            Answered(
                _log,
                request.Method,
                $"{request.PathBase}{request.Path}",
                context.Response.StatusCode,
                Math.Round(Stopwatch.GetElapsedTime(since).TotalMilliseconds, 1),
                context.RequestAborted.IsCancellationRequested ? " (the caller hung up)" : "",
                trace);
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Method} {Path} {Status} {Milliseconds} ms{HungUp} trace={TraceId}")]
    private static partial void Answered(
        ILogger log,
        string method,
        string path,
        int status,
        double milliseconds,
        string hungUp,
        string traceId);
}
