using ChatLogger.Http;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> PrivacyMembers(Limits limits) => new()
    {
        // Retention and redaction
        ["retentionDays"] = new("For how many days a chat is kept after its last message; null: for ever."),
        ["ChangeOrganizationSettings.retentionDays"] = new("For how many days a chat is kept after its last message; 0: for ever.")
        {
            Minimum = 0,
            Maximum = 3_650,
        },
        ["redaction"] = new("What is replaced by its name in brackets before anything is stored."),
        ["kinds"] = new("What is recognized by itself.") { Set = "RedactionKind", Unique = true },
        ["patterns"] = new("What the organization describes itself.") { MaxItems = limits.RedactionPatterns },
        ["RedactionSettings.metadata"] = new("Whether metadata is redacted, too."),
        ["ChangeOrganizationRedaction.metadata"] = new("Whether metadata is redacted, too; by default not."),
        ["RedactionPattern.name"] = new("What takes the place, in brackets."),
        ["ChangeOrganizationPattern.name"] = new("What takes the place, in brackets; no kind is called so.")
        {
            MinLength = 1,
            MaxLength = 40,
            Pattern = "^[A-Za-z][A-Za-z0-9_-]*$",
        },
        ["pattern"] = new("A regular expression of .NET that matches in linear time: without looking around and back references.")
        {
            MinLength = 1,
            MaxLength = limits.RedactionPatternLength,
        },
        ["PreviewRedactionRequest.text"] = new("The text to try.") { MinLength = 1, MaxLength = limits.ContentBytes },
        ["PreviewRedactionResponse.text"] = new("The text as it would be stored."),
        ["found"] = new("What was found in it."),
        ["PreviewRedactionFinding.kind"] = new("The kind, or the name of the pattern."),
        ["PreviewRedactionFinding.count"] = new("How often."),
    };
}
