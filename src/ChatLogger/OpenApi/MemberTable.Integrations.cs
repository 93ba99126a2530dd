namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> IntegrationMembers() => new()
    {
        ["resourceSpans"] = new("The spans, by resource and scope, as OTLP has them. What is not known is ignored."),
        ["partialSuccess"] = new("What the sender should know; absent where all was taken."),
        ["rejectedSpans"] = new("The number of spans that were rejected. They should not be sent again."),
        ["errorMessage"] = new("Why spans were rejected, or what to turn on at the sender."),
    };
}
