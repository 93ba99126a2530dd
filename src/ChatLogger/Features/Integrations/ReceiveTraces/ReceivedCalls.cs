using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// What an export says of calls of a model. It is read while the body is, so that nothing else of the body is kept until the calls are
/// written: an export repeats whole conversations, and what is kept meanwhile is what the garbage collector copies.
/// </summary>
/// <param name="Spans">How many spans the export has.</param>
/// <param name="Exchanges">The calls that can be written.</param>
/// <param name="Refusals">Why others cannot be, one sentence each.</param>
/// <param name="WithoutContent">How many calls came without what was said.</param>
internal sealed record ReceivedCalls(
    int Spans, IReadOnlyList<Exchange> Exchanges, IReadOnlyList<string> Refusals, int WithoutContent)
{
    public static ReceivedCalls Of(IReadOnlyList<ReceivedSpan> spans)
    {
        var (exchanges, refusals, withoutContent) = (new List<Exchange>(), new List<string>(), 0);
        var notes = new ImportNotes();
        var reader = new SpanExchange(new ForeignMessages(new EmbeddedData(notes), notes), notes);
        var calls = spans.Where(SpanExchange.Is).ToList();
        var traces = calls.Count == 0
            ? []
            : spans.GroupBy(span => span.TraceId, StringComparer.Ordinal)
                .ToDictionary(trace => trace.Key, SpanContext.OfTrace, StringComparer.Ordinal);
        var around = Around(calls, spans);
        foreach (var span in calls.DistinctBy(span => (span.TraceId, span.SpanId)))
        {
            if (!span.IsValid)
            {
                refusals.Add("A span has no valid trace id and span id.");
                continue;
            }
            if (around.Contains((span.TraceId, span.SpanId)))
                continue;
            try
            {
                var exchange = reader.Read(span, SpanContext.Of(span, traces[span.TraceId]));
                if (exchange.Input.Count + exchange.Output.Count > 0)
                    exchanges.Add(exchange);
                else
                    withoutContent++;
            }
            // Text with half of a surrogate pair, or JSON that is nested too deeply.
            catch (Exception unreadable) when (unreadable is InvalidOperationException or JsonException or FormatException)
            {
                refusals.Add("The messages of a span cannot be read.");
            }
        }
        return new(spans.Count, exchanges, refusals, withoutContent);
    }

    // Two instrumentations may report one call, the one within the other: the inner one is closest to the model.
    private static HashSet<(string, string)> Around(List<ReceivedSpan> calls, IReadOnlyList<ReceivedSpan> spans)
    {
        var around = new HashSet<(string, string)>();
        if (calls.Count < 2)
            return around;
        var parents = spans.Where(span => span.ParentSpanId is not null).DistinctBy(span => (span.TraceId, span.SpanId))
            .ToDictionary(span => (span.TraceId, span.SpanId), span => span.ParentSpanId!);
        foreach (var span in calls)
        {
            var at = (span.TraceId, span.SpanId);
            for (var depth = 0; depth < 100 && parents.TryGetValue(at, out var parent); depth++)
                around.Add(at = (span.TraceId, parent));
        }
        return around;
    }
}
