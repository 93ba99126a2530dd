using System.Diagnostics;
using ChatLogger.Telemetry;

namespace ChatLogger.Ingest;

/// <summary>One statement of a writer as it is seen from outside: measured, and a span of its own that is linked with those of the requests it is for.</summary>
internal static class CommitTelemetry
{
    /// <summary>More than these a span does not show.</summary>
    private const int MaxLinks = 128;

    /// <param name="instruments">Where it is measured.</param>
    /// <param name="writer">Which writer's.</param>
    /// <param name="waited">How long the first row has waited for it.</param>
    /// <param name="requests">The spans of those who wait; there are none while nobody traces.</param>
    /// <param name="run">The statement.</param>
    public static async Task<WriteStatus[]> Run(Instruments instruments, string writer, TimeSpan waited, IEnumerable<Activity> requests, Func<Task<WriteStatus[]>> run)
    {
        using var span = Begin(writer, requests);
        instruments.CommitBegins(writer, waited);
        var since = Stopwatch.GetTimestamp();
        try
        {
            var statuses = await run();
            var rows = statuses.AsSpan().Count(WriteStatus.Written);
            instruments.Committed(writer, rows, Stopwatch.GetElapsedTime(since));
            span?.SetTag("chatlogger.commit.size", rows);
            return statuses;
        }
        catch (Exception failure)
        {
            instruments.CommitFailed(writer, Stopwatch.GetElapsedTime(since), failure);
            span?.SetStatus(ActivityStatusCode.Error);
            throw;
        }
    }

    private static Activity? Begin(string writer, IEnumerable<Activity> requests)
    {
        if (!Tracing.Source.HasListeners())
            return null;
        var waiting = requests.Distinct().Take(MaxLinks).ToList();
        var span = Tracing.Source.StartActivity(
            $"commit {writer}", ActivityKind.Internal, default(ActivityContext), [Instruments.Writer(writer)], waiting.ConvertAll(request => new ActivityLink(request.Context)));
        // From both ends: who looks at a request finds the commit that it waited for.
        if (span is not null)
            waiting.ForEach(request => request.AddLink(new ActivityLink(span.Context)));
        return span;
    }
}
