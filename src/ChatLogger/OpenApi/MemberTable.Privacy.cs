using ChatLogger.Features;
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

        // Erasure
        ["erasureId"] = new("The erasure's id.") { Format = "uuid", Example = "01934f2e-7a23-7c3d-8e4f-5a6b7c8d9e0f" },
        ["RequestErasureRequest.externalUserId"] = new("The end user whose chats are erased.") { MaxLength = limits.ExternalUserIdLength },
        ["RequestErasureRequest.userId"] = new("The member whose chats are erased."),
        ["Erasure.state"] = new("How far it is.") { Set = nameof(ErasureState) },
        ["subject"] = new("Whose chats: an HMAC, in hexadecimal digits, that is the same for each erasure of the same end user or member."),
        ["Erasure.chats"] = new("Chats that it has removed so far."),
        ["Erasure.messages"] = new("Messages that it has removed so far."),
        ["Erasure.feedback"] = new("Ratings that it has removed so far."),
        ["Erasure.exports"] = new("Stored exports that it has made outdated."),
        ["startedAt"] = new("When the first chats were hidden; null before."),
        ["receipt"] = new("The HMAC of the list of what was removed, in hexadecimal digits; null before it is done."),
    };
}
