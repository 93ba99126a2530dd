using System.Diagnostics;
using ChatLogger.Telemetry;

namespace ChatLogger.Ingest;

/// <summary>
/// Runs one bulk insert with its metrics and a span of its own, linked to the spans of the requests whose rows it writes.
/// </summary>
internal static class CommitTelemetry
{
    /// <summary>OpenTelemetry drops span links beyond this number.</summary>
    private const int MaxLinks = 128;

    /// <param name="instruments">The metrics.</param>
    /// <param name="writer">The name of the writer.</param>
    /// <param name="waited">How long the first row of the batch has been queued.</param>
    /// <param name="requests">The spans of the waiting requests; empty while tracing is off.</param>
    /// <param name="run">Runs the statement.</param>
    public static async Task<WriteStatus[]> Run(
        Instruments instruments,
        string writer,
        TimeSpan waited,
        IEnumerable<Activity> requests,
        Func<Task<WriteStatus[]>> run)
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
            $"commit {writer}",
            ActivityKind.Internal,
            default(ActivityContext),
            [Instruments.Writer(writer)],
            waiting.ConvertAll(request => new ActivityLink(request.Context)));
        // The link goes both ways, so that the span of a request also leads to the commit that it waited for.
        if (span is not null)
            waiting.ForEach(request => request.AddLink(new ActivityLink(span.Context)));
        return span;
    }
}
