using System.Reflection;
using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using ChatLogger.Transcripts;
using MediatR;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>
/// POST /v1/traces, /otel/v1/traces and /api/public/otel/v1/traces: an exporter of OpenTelemetry sends spans (OTLP over HTTP). Those that
/// are calls of a model become messages; the others are accepted and dropped.
/// </summary>
internal static class ReceiveTraces
{
    /// <summary>Tells the sender what to turn on.</summary>
    private const string WithoutContent =
        "calls of a model came without what was said. Turn on the capture of message content at the sender, for example with "
            + "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT.";

    public static void Map(IEndpointRouteBuilder integrations)
    {
        MapAt(integrations, "/v1/traces", "ReceiveTraces");
        MapAt(integrations, "/otel/v1/traces", "ReceiveTracesAtOtel");
        MapAt(integrations, "/api/public/otel/v1/traces", "ReceiveTracesAtPublicOtel");
    }

    private static void MapAt(IEndpointRouteBuilder integrations, string path, string name) =>
        integrations
            .MapPost(path, async (OtlpBody body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                new OtlpResponse(await sender.Send(new Command(caller, body.Spans), ct)))
            .WithName(name)
            .WithMetadata(new BodyLimit(limits => limits.OtlpBytes), new GzipAllowed(), RequiresQueueCapacity.ForBatches, new OtlpErrors())
            .WithSummary("Receive traces of OpenTelemetry.")
            .WithDescription(
                """
                OTLP over HTTP, in protobuf or JSON, compressed with gzip or not; the answer has the type of the request. A span that
                is a call of a model becomes the messages of its conversation (OpenTelemetry's GenAI conventions, and the dialects of
                the AI SDK, Langfuse, OpenInference and OpenLLMetry); a message that the conversation has already is not added again,
                so exporters may send again, and repeat the whole conversation with each call. Other spans are accepted and dropped.

                Each span is taken or rejected by itself: `partialSuccess` says how many were rejected, and why. Errors are
                `google.rpc.Status`. Only 429 and 503 mean that the export should be sent again.
                """);

    /// <summary>The envelope, for the OpenAPI description only; <see cref="OtlpBody"/> reads it.</summary>
    public sealed record Request(RawJsonObject[]? ResourceSpans = null);

    public sealed record Command(PluginCaller Caller, IReadOnlyList<ReceivedSpan> Spans) : IRequest<Response>;

    public sealed record Response(PartialSuccess? PartialSuccess);

    /// <summary>How many spans were rejected, and why; with none rejected, what the sender should know.</summary>
    public sealed record PartialSuccess(long RejectedSpans, string ErrorMessage);

    public sealed class Handler(ExchangeWriter writer, Instruments instruments) : IRequestHandler<Command, Response>
    {
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var (exchanges, refusals, withoutContent) = Read(command.Spans);
            var calls = exchanges.Count;
            if (calls > 0)
            {
                var results = await writer.Write(command.Caller, exchanges, ct);
                refusals.AddRange(results.OfType<ProblemException>().Select(ForeignErrors.Sentence));
            }
            instruments.Spans("exchange", calls);
            instruments.Spans("rejected", refusals.Count);
            instruments.Spans("ignored", Math.Max(0, command.Spans.Count - calls - refusals.Count));
            if (refusals.Count > 0)
                return new(new PartialSuccess(refusals.Count, string.Join(" ", refusals.Distinct().Take(3))));
            return new(withoutContent > 0 ? new PartialSuccess(0, $"{withoutContent} {WithoutContent}") : null);
        }

        private static (List<Exchange> Exchanges, List<string> Refusals, int WithoutContent) Read(IReadOnlyList<ReceivedSpan> spans)
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
            return (exchanges, refusals, withoutContent);
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
}

/// <summary>The spans of an export, from protobuf or JSON.</summary>
internal sealed class OtlpBody : IEndpointParameterMetadataProvider
{
    public const string Protobuf = "application/x-protobuf";

    private OtlpBody(List<ReceivedSpan> spans) => Spans = spans;

    public IReadOnlyList<ReceivedSpan> Spans { get; }

    public static async ValueTask<OtlpBody> BindAsync(HttpContext context) =>
        new(await IntegrationBody.Read<List<ReceivedSpan>>(context, IsProtobuf(context.Request) ? ProtobufSpans.Read : JsonSpans.Read));

    public static bool IsProtobuf(HttpRequest request) =>
        request.ContentType?.StartsWith(Protobuf, StringComparison.OrdinalIgnoreCase) == true;

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(ReceiveTraces.Request), "application/json", Protobuf));
}
