using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Webhooks;

namespace ChatLogger.OpenApi;

/// <summary>
/// The enumerations of requests and responses. Each is a schema of its own, so that generated clients have a type for it.
/// </summary>
internal static class ClosedSets
{
    public static readonly IReadOnlyDictionary<string, (string Description, string[] Values)> All = new Dictionary<
        string,
        (string, string[])
    >
    {
        ["MessageRole"] = ("Who speaks in a message.", [.. MessageRole.All]),
        ["MemberRole"] = (
            "What a member may do. A superadmin belongs to no organization.",
            [MemberRole.Superadmin, .. MemberRole.OfOrganization]),
        ["OrganizationRole"] = ("What a member of an organization may do.", [.. MemberRole.OfOrganization]),
        ["MemberStatus"] = ("Whether a member may log in.", ["active", "disabled"]),
        ["KeyScope"] = (
            "What a key may do: write what is said now, write what was said in the past, read chats and messages.",
            [.. KeyScope.All]),
        ["Rating"] = ("What an end user thought.", ["up", "down"]),
        ["RatingFilter"] = ("What an end user thought, or that there is no rating.", ["up", "down", "none"]),
        ["Flag"] = ("Yes or no.", ["true", "false"]),
        ["SortOrder"] = ("In the order of arrival, or the other way round.", ["asc", "desc"]),
        ["ExportFormat"] = ("What an export is written as.", ["json", "jsonl", "csv", "openai-jsonl"]),
        ["ExportLayout"] = ("What a row of csv is.", ["messages", "chats"]),
        ["ExportMode"] = (
            "When an export is answered: at once where it is small, at once or not at all, or later.",
            ["auto", "sync", "async"]),
        ["ExportState"] = (
            "How far an export is; the last four are ends.",
            [ExportState.Queued, ExportState.Running, ExportState.Done, ExportState.Failed, ExportState.Cancelled, ExportState.Expired]),
        ["RedactionKind"] = (
            "What is recognized by itself; the name in brackets takes its place.", [.. ChatLogger.Redaction.RedactionKind.All]),
        ["AuditAction"] = ("What was done, or refused.", [.. AuditAction.All]),
        ["AuditParty"] = (
            "What kind of thing did it, or had it done to it.",
            ["member", "superadmin", "key", "operator", "anonymous", "chat", "message", "export", "webhook", "retention", "erasure",
                "session", "organization", "route", "service"]),
        ["ErasureState"] = (
            "How far an erasure is: accepted, hidden and being removed, removed everywhere.", [.. ErasureState.All]),
        ["WebhookEvent"] = ("What a webhook may be told.", [.. WebhookEvent.All]),
        ["DeliveredEvent"] = ("What a webhook is told.", [.. WebhookEvent.All, WebhookEvent.Test]),
        ["WebhookState"] = ("Whether a webhook is delivered to.", [WebhookState.Active, WebhookState.Paused]),
        ["DeliveryStatus"] = (
            "What became of a delivery: it waits, the receiver has taken it, no attempt succeeded, or what it was about is deleted.",
            [.. DeliveryStatus.All]),
        ["DeliveryError"] = (
            "Why an attempt failed: no address that may be called, nobody there, no valid certificate, no answer in time, not a 2xx.",
            [.. DeliveryError.All]),
        ["ProblemType"] = ("Why a request was refused.", [.. ProblemType.All.Select(type => type.Slug)]),
    };
}
