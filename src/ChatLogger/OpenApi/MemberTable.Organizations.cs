using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> OrganizationMembers(Limits limits) => new()
    {
        // Members
        ["email"] = new("The e-mail address, which belongs to one member of all organizations together.")
        {
            MinLength = 3,
            MaxLength = EmailAddress.MaxLength,
        },
        ["LoginRequest.email"] = new("The member's e-mail address.") { MinLength = 1 },
        ["LoginRequest.password"] = new("The member's password.") { MinLength = 1 },
        ["password"] = Password("A password"),
        ["newPassword"] = Password("The new password"),
        ["currentPassword"] = new("Your password as it is; a new e-mail address or password needs it.") { MinLength = 1 },
        ["name"] = new("What the member is called.") { MaxLength = limits.NameLength },
        ["Profile.role"] = new("What the member may do.") { Set = nameof(MemberRole) },
        ["CreateMemberRequest.role"] = new("What the member may do.") { Set = "OrganizationRole" },
        ["ChangeMemberRequest.role"] = new("What the member may do from now on.") { Set = "OrganizationRole" },
        ["disabled"] = new("`true` ends the member's sessions and lets them in no more; `false` lets them in again."),
        ["status"] = new("Whether the member may log in.") { Set = "MemberStatus" },
        ["sessionId"] = new("The session's id.") { Format = "uuid", Example = "01934f2e-7a1e-7c3d-8e4f-5a6b7c8d9e0f" },
        ["address"] = new("The address from which the session was opened; null: not known."),
        ["userAgent"] = new("What the browser called itself, at most 256 characters; null: it did not, or it is not known."),
        ["current"] = new("Whether it is the session of this request."),
        ["ListSessionsItem.createdAt"] = new("When the member logged in."),
        ["ListSessionsItem.lastUsedAt"] = new("When the session was last used, to the minute; null: not since the login."),
        ["ListSessionsItem.expiresAt"] = new("When it ends by itself."),
        ["Profile.org"] = new("The member's organization; null for a superadmin."),

        // Organizations
        ["Organization.name"] = new("What the organization is called."),
        ["ProfileOrganization.name"] = new("What the organization is called."),
        ["CreateOrganizationRequest.name"] = new("What the organization is called.") { MinLength = 1, MaxLength = limits.NameLength },
        ["ChangeOrganizationRequest.name"] = new("What the organization is called.") { MinLength = 1, MaxLength = limits.NameLength },
        ["settings"] = new("What an organization chooses for itself."),
        ["prices"] = new("What a million tokens cost, by the name of the model, in a currency of your choice."),
        ["prompt"] = new("The price of a million prompt tokens.") { Minimum = 0, Maximum = 10_000 },
        ["completion"] = new("The price of a million completion tokens.") { Minimum = 0, Maximum = 10_000 },
        ["timeZone"] = new("An IANA time zone, whose midnights cut the days. Empty: UTC.") { MaxLength = 64 },
        ["RequestExportRequest.timeZone"] = new("The IANA time zone whose midnights dates stand for; by default the organization's.")
        {
            MinLength = 1,
            MaxLength = 64,
        },

        // API keys
        ["publicId"] = new("The part of the key that is no secret: it stands in the key and in the audit log."),
        ["label"] = new("What the key is for.") { MinLength = 1, MaxLength = limits.LabelLength },
        ["scopes"] = new("What the key may do; by default `ingest`.") { Set = nameof(KeyScope), Unique = true },
        ["lastFour"] = new("The last four characters of the key, to recognize it by."),
        ["allowedOrigins"] = new("Origins whose pages alone may use the key; none: all may.")
        {
            MaxItems = limits.AllowedOrigins,
            Unique = true,
            Pattern = "^https?://[^/]+$",
        },
        ["expiresAt"] = new("When it ends; null: never.") { Format = "date-time" },
        ["revokedAt"] = new("When the key was revoked; null: it was not."),
        ["lastUsedAt"] = new("When the key was last used, to the minute; null: never."),
        ["key"] = new("The key itself. It is shown this once."),
        ["overlapHours"] = new("For how long the old key still works.") { Minimum = 0, Maximum = 168, Default = "24" },
    };

    private static Dictionary<string, Member> ExportMembers() => new()
    {
        // Exports
        ["state"] = new("How far it is.") { Set = nameof(ExportState) },
        ["format"] = new("What it is written as.") { Set = "ExportFormat" },
        ["layout"] = new("What a row of csv is; with other formats null.") { Set = "ExportLayout" },
        ["mode"] = new("When it is answered; by default `auto`.") { Set = "ExportMode" },
        ["localTimes"] = new("With csv: `true` writes times as the clocks of `timeZone` showed them, with their offset."),
        ["bom"] = new("With csv: `true` puts U+FEFF first, by which Excel knows UTF-8."),
        ["skipped"] = new("Chats and messages that the format cannot hold, and that were left out."),
        ["rows"] = new("Records that are in the file so far."),
        ["totalRows"] = new("Records that there will be; null where that is not known yet."),
        ["bytes"] = new("The size of the finished, uncompressed file; null before."),
        ["sha256"] = new("The SHA-256 of the finished, uncompressed file in lower-case hexadecimal; null before."),
        ["reason"] = new("Why it failed; null where it did not."),
        ["requestedBy"] = new("The member who asked for it."),
        ["finishedAt"] = new("When it ended; null before."),
        ["Export.expiresAt"] = new("Until when the file can be fetched; null while there is none."),

        // Audit
        ["at"] = new("When it happened."),
        ["action"] = new("What was done, or refused.") { Set = nameof(AuditAction), Example = AuditAction.KeyCreated },
        ["ListAuditEventsItem.actor"] = new("Who did it."),
        ["actor"] = new("The id of who did it.") { MinLength = 1, Example = "01934f2e-7a1f-7c3d-8e4f-5a6b7c8d9e0f" },
        ["target"] = new("What it was done to."),
        ["ListAuditEventsParty.type"] = new("What kind of thing it is.") { Set = "AuditParty" },
        ["ListAuditEventsParty.id"] = new("Its id; null where it has none."),
        ["ListAuditEventsRequest.from"] = new("The beginning.") { Example = Instant },
        ["ListAuditEventsRequest.to"] = new("The end, itself excluded.") { Example = "2026-12-01T00:00:00Z" },
        ["traceId"] = new("Finds the request in the operator's log and traces."),
    };

    private static Member Password(string what) =>
        new($"{what}: {PasswordHashingQueue.MinBytes} to {PasswordHashingQueue.MaxBytes} bytes in UTF-8.")
        {
            // A character has up to four bytes.
            MinLength = PasswordHashingQueue.MinBytes / 4,
            MaxLength = PasswordHashingQueue.MaxBytes,
            Format = "password",
        };
}
