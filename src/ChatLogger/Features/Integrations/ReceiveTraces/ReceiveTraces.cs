using System.Reflection;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;
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
                new OtlpResponse(await sender.Send(new Command(caller, body.Calls), ct)))
            .WithName(name)
            .WithMetadata(new BodyLimit(limits => limits.OtlpBytes), new GzipAllowed(), RequiresQueueCapacity.ForBatches, new OtlpErrors())
            .WithSummary("Receive traces of OpenTelemetry.")
            .WithDescription(
                """
                OTLP over HTTP, in protobuf or JSON, compressed with gzip or not; the answer has the type of the request. A span that
                is a call of a model becomes the messages of its conversation (OpenTelemetry's GenAI conventions, and the dialects of
                the AI SDK, Langfuse, OpenInference and OpenLLMetry); a message that the conversation has already is not added again,
                so exporters may send again, and repeat the whole conversation with each call. Other spans are accepted and dropped.

                Each span is taken or rejected by itself: `partialSuccess` says how many were rejected, and why. A call of more than 10,000
                messages is rejected. Errors are `google.rpc.Status`. Only 429 and 503 mean that the export should be sent again.
                """);

    /// <summary>The envelope, for the OpenAPI description only; <see cref="OtlpBody"/> reads it.</summary>
    public sealed record Request(RawJsonObject[]? ResourceSpans = null);

    public sealed record Command(PluginCaller Caller, ReceivedCalls Calls) : IRequest<Response>;

    public sealed record Response(PartialSuccess? PartialSuccess);

    /// <summary>How many spans were rejected, and why; with none rejected, what the sender should know.</summary>
    public sealed record PartialSuccess(long RejectedSpans, string ErrorMessage);

    public sealed class Handler(ExchangeWriter writer, Instruments instruments) : IRequestHandler<Command, Response>
    {
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var calls = command.Calls;
            List<string> refusals = [.. calls.Refusals];
            if (calls.Exchanges.Count > 0)
            {
                var results = await writer.Write(command.Caller, calls.Exchanges, ct);
                refusals.AddRange(results.OfType<ProblemException>().Select(ForeignErrors.Sentence));
            }
            instruments.Spans("exchange", calls.Exchanges.Count);
            instruments.Spans("rejected", refusals.Count);
            instruments.Spans("ignored", Math.Max(0, calls.Spans - calls.Exchanges.Count - refusals.Count));
            if (refusals.Count > 0)
                return new(new PartialSuccess(refusals.Count, string.Join(" ", refusals.Distinct().Take(3))));
            return new(calls.WithoutContent > 0 ? new PartialSuccess(0, $"{calls.WithoutContent} {WithoutContent}") : null);
        }
    }
}

/// <summary>The calls of a model in an export, from protobuf or JSON.</summary>
internal sealed class OtlpBody : IEndpointParameterMetadataProvider
{
    public const string Protobuf = "application/x-protobuf";

    private OtlpBody(ReceivedCalls calls) => Calls = calls;

    public ReceivedCalls Calls { get; }

    public static async ValueTask<OtlpBody> BindAsync(HttpContext context) =>
        new(await IntegrationBody.Read<ReceivedCalls>(context, IsProtobuf(context.Request) ? ProtobufSpans.Read : JsonSpans.Read));

    public static bool IsProtobuf(HttpRequest request) =>
        request.ContentType?.StartsWith(Protobuf, StringComparison.OrdinalIgnoreCase) == true;

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(ReceiveTraces.Request), "application/json", Protobuf));
}
