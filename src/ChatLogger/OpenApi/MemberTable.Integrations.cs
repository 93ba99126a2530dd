namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> IntegrationMembers() => new()
    {
        ["resourceSpans"] = new("The spans, by resource and scope, as OTLP has them. What is not known is ignored."),
        ["partialSuccess"] = new("What the sender should know; absent where all was taken."),
        ["rejectedSpans"] = new("The number of spans that were rejected. They should not be sent again."),
        ["errorMessage"] = new("Why spans were rejected, or what to turn on at the sender."),
        ["batch"] = new("The events, each `{ id, type, timestamp, body }`. What is not known is ignored."),
        ["IngestLangfuseRequest.metadata"] = new("What the SDK says of itself; ignored.") { IsMetadata = true },
        ["successes"] = new("The events that were taken."),
        ["IngestLangfuseResponse.errors"] = new("The events that were refused. They should not be sent again."),
        ["IngestLangfuseSuccess.id"] = new("The event's id."),
        ["IngestLangfuseError.id"] = new("The event's id."),
        ["IngestLangfuseSuccess.status"] = new("Always 201."),
        ["IngestLangfuseError.status"] = new("The status of the refusal."),
        ["message"] = new("Why it was refused."),
        ["events"] = new("The events, as Lunary's SDKs send them. What is not known is ignored."),
        ["IngestLunaryResponse.results"] = new("What became of each event, in order."),
        ["IngestLunaryResult.id"] = new("The `runId` of the event."),
        ["success"] = new("Whether the event was taken."),
        ["error"] = new("Why it was refused; null where it was not."),
        ["LangfuseHealthResponse.status"] = new("Always `OK`."),
    };
}
