using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private const string Instant = "2026-11-01T00:00:00Z";

    private static Dictionary<string, Member> Describe(Limits limits) => new()
    {
        // Paths and headers
        ["slug"] = new("The organization's slug: its name in paths. It never changes.")
        {
            MinLength = 3,
            MaxLength = 63,
            Pattern = "^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$",
            Example = "acme",
        },
        ["org"] = new("`me`; or, for superadmins, the slug of an organization.") { MinLength = 1, Example = "me" },
        ["chatId"] = new("The chat's id.") { Format = "uuid", Example = "01934f2e-7a1b-7c3d-8e4f-5a6b7c8d9e0f" },
        ["messageId"] = new("The message's id.") { Format = "uuid", Example = "01934f2e-7a1c-7c3d-8e4f-5a6b7c8d9e0f" },
        ["exportId"] = new("The export's id.") { Format = "uuid", Example = "01934f2e-7a1d-7c3d-8e4f-5a6b7c8d9e0f" },
        ["keyId"] = new("The key's id, which is no part of the key.") { Format = "uuid", Example = "01934f2e-7a1e-7c3d-8e4f-5a6b7c8d9e0f" },
        [IdempotencyKey.Header] = new(
            $"A name of your own for this request: 1 to {IdempotencyKey.MostCharacters} printable characters of ASCII, bare or between double quotes. For 24 hours "
            + "the same key with the same body is answered with what the first one made, and the header `Idempotent-Replayed: true`.")
        {
            MinLength = 1,
            Pattern = "^[ -~]+$",
        },
        ["If-None-Match"] = new("The `ETag` of a file that you have: where it is still the same, the answer is 304."),
        ["Range"] = new("One range of bytes of the uncompressed file."),
        ["If-Range"] = new("The `ETag` that the range is of: where the file is another, all of it is sent."),

        // Lists
        ["limit"] = new("How many there may be on a page.") { Minimum = 1, Maximum = Page.MostLimit, Default = $"{Page.DefaultLimit}", Example = "50" },
        ["cursor"] = new("`nextCursor` of the page before. It is of this list with these filters, and no other."),
        ["items"] = new("What is on this page."),
        ["nextCursor"] = new("Leads to the next page; null on the last one."),
        ["order"] = new("The order of the list.") { Set = "SortOrder", Example = "asc" },
        ["from"] = new("The beginning: a time (RFC 3339), or a date, which stands for its local midnight.") { MinLength = 1, Example = Instant },
        ["to"] = new("The end, itself excluded: a time (RFC 3339), or a date, which stands for its local midnight.") { MinLength = 1, Example = "2026-11-30" },
        ["q"] = new("What is searched for in the texts of messages.") { MaxLength = SearchQuery.MostCharacters, Example = "refund OR \"money back\"" },
        ["tag"] = new("Tags that a chat must have, all of them.") { MaxItems = limits.Tags, MinLength = 1, MaxLength = limits.TagLength, Example = "billing" },
        ["RequestExportRequest.tag"] = new("Tags that a chat must have, all of them. A single one may be sent as a string.")
        {
            IsList = true,
            MaxItems = limits.Tags,
            MinLength = 1,
            MaxLength = limits.TagLength,
        },

        // Chats
        ["id"] = new("Its id, a UUIDv7."),
        ["title"] = new("What the chat is called.") { MaxLength = limits.NameLength },
        ["tags"] = new("Words to find the chat by, each once; space around them is cut off.")
        {
            MaxItems = limits.Tags,
            Unique = true,
            MinLength = 1,
            MaxLength = limits.TagLength,
        },
        ["metadata"] = new(
            $"A JSON object of your own; it comes back JSON-equal. At most {limits.MetadataBytes} bytes, {limits.MetadataDepth} levels and {limits.MetadataKeys} keys in all.")
        {
            IsMetadata = true,
        },
        ["userId"] = new("The member that the chat is attributed to.") { Format = "uuid", Example = "01934f2e-7a1f-7c3d-8e4f-5a6b7c8d9e0f" },
        ["externalUserId"] = new("The plugin's own name for its end user.") { MaxLength = limits.ExternalUserIdLength, Example = "visitor-17" },
        ["createdAt"] = new("When it was made."),
        ["updatedAt"] = new("When the chat's title, tags or metadata last became others."),
        ["feedback"] = new("What the end user thought of it; null where nothing was said."),
        ["messageCount"] = new("How many messages the chat has."),
        ["firstMessageAt"] = new("The time of the earliest message; null without any."),
        ["lastMessageAt"] = new("The time of the latest message; null without any."),
        ["preview"] = new("The beginning of the last message, at most 200 characters; null without any."),
        ["snippet"] = new("A part of the first message that matches `q`; null without `q`."),

        // Messages
        ["role"] = new("Who speaks.") { Set = nameof(MessageRole) },
        ["content"] = new($"What is said: 1 to {limits.ContentBytes} bytes in UTF-8, not only white space. It is kept as it is.") { MinLength = 1, MaxLength = limits.ContentBytes },
        ["latencyMs"] = new("How long the answer took, in milliseconds.") { Minimum = 0, Maximum = limits.LatencyMs },
        ["tokenCount"] = new("Tokens of the message in all.") { Minimum = 0, Maximum = limits.Tokens },
        ["promptTokens"] = new("Tokens that were read for it.") { Minimum = 0, Maximum = limits.Tokens },
        ["completionTokens"] = new("Tokens that were written.") { Minimum = 0, Maximum = limits.Tokens },
        ["model"] = new("The model that answered.") { MaxLength = limits.ModelLength },
        ["rating"] = new("What the end user thought.") { Set = "Rating" },
        ["comment"] = new("Why, in the end user's words.") { MaxLength = limits.CommentLength },
        ["Feedback.at"] = new("When it was given; the last one counts."),

        // Batches
        ["WriteBatchRequest.items"] = new("Chats and messages, written in this order.") { MinItems = 1, MaxItems = limits.BatchItems },
        ["type"] = new("What the item is."),
        ["ref"] = new("A name for the chat within this batch, which its messages can give as `chatRef`.") { MinLength = 1, MaxLength = limits.RefLength },
        ["chatRef"] = new("The `ref` of a chat that stands earlier in this batch, in place of `chatId`.") { MinLength = 1, MaxLength = limits.RefLength },
        ["WriteBatchMessageItem.chatId"] = new("The chat it belongs to; or else `chatRef` says which.") { Format = "uuid" },
        ["idempotencyKey"] = new($"As the header of single requests, for this item: 1 to {IdempotencyKey.MostCharacters} printable characters of ASCII.")
        {
            MinLength = 1,
            Pattern = "^[ -~]+$",
        },
        ["WriteBatchChatItem.createdAt"] = new("When the chat began, where that is past; it needs a key with the scope `import`.") { Format = "date-time" },
        ["WriteBatchMessageItem.createdAt"] = new("When it was said, where that is past; it needs a key with the scope `import`.") { Format = "date-time" },
        ["results"] = new("A result for each item, in their order."),
        ["index"] = new("Which item: the first is 0."),
        ["WriteBatchResult.status"] = new("The item's own status: 201, 400, 403, 404, 409, 422 or 503."),
        ["WriteBatchResult.id"] = new("The id of what was written; null where nothing was."),
        ["replayed"] = new("Whether it had been written before, under the same `idempotencyKey`."),
        ["problem"] = new("Why the item was refused; null where it was not."),

        // Members
        ["email"] = new("The e-mail address, which belongs to one member of all organizations together.") { MinLength = 3, MaxLength = EmailAddress.MostCharacters },
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
        ["Profile.org"] = new("The member's organization; null for a superadmin."),

        // Organizations
        ["Organization.name"] = new("What the organization is called."),
        ["ProfileOrganization.name"] = new("What the organization is called."),
        ["CreateOrganizationRequest.name"] = new("What the organization is called.") { MinLength = 1, MaxLength = limits.NameLength },
        ["ChangeOrganizationRequest.name"] = new("What the organization is called.") { MinLength = 1, MaxLength = limits.NameLength },
        ["settings"] = new("What an organization chooses for itself."),
        ["timeZone"] = new("An IANA time zone, whose midnights cut the days. Empty: UTC.") { MaxLength = 64 },
        ["RequestExportRequest.timeZone"] = new("The IANA time zone whose midnights dates stand for; by default the organization's.") { MinLength = 1, MaxLength = 64 },

        // API keys
        ["publicId"] = new("The part of the key that is no secret: it stands in the key and in the audit log."),
        ["label"] = new("What the key is for.") { MinLength = 1, MaxLength = limits.LabelLength },
        ["scopes"] = new("What the key may do; by default `ingest`.") { Set = nameof(KeyScope), Unique = true },
        ["lastFour"] = new("The last four characters of the key, to recognize it by."),
        ["allowedOrigins"] = new("Origins whose pages alone may use the key; none: all may.") { MaxItems = limits.AllowedOrigins, Unique = true, Pattern = "^https?://[^/]+$" },
        ["expiresAt"] = new("When it ends; null: never.") { Format = "date-time" },
        ["revokedAt"] = new("When the key was revoked; null: it was not."),
        ["lastUsedAt"] = new("When the key was last used, to the minute; null: never."),
        ["key"] = new("The key itself. It is shown this once."),
        ["overlapHours"] = new("For how long the old key still works.") { Minimum = 0, Maximum = 168, Default = "24" },

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

        // Analytics
        ["tz"] = new("The IANA time zone whose midnights cut the days; by default the organization's.") { MinLength = 1, MaxLength = 64, Example = "Europe/Amsterdam" },
        ["top"] = new("The length of `topUsers`.") { Minimum = 1, Maximum = limits.AnalyticsTop, Default = "10", Example = "10" },
        ["asOf"] = new("When it was counted."),
        ["totals"] = new("What the whole range came to."),
        ["previous"] = new("The same of the time just before, of the same length."),
        ["days"] = new("Every local day of the range, in order."),
        ["day"] = new("The local day: its date."),
        ["latency"] = new("How long answers took; null where no message has a latency."),
        ["roles"] = new("Messages by who speaks."),
        ["topUsers"] = new("The people with the most messages."),
        ["anonymous"] = new("What came from chats without a user of either kind."),
        ["SummaryResponse.tags"] = new("The 1,000 tags that are used most."),
        ["SummaryTagCount.tag"] = new("The tag."),
        ["chats"] = new("Chats that were made."),
        ["messages"] = new("Messages."),
        ["tokens"] = new("Tokens: `tokenCount` of each message, or else `promptTokens` and `completionTokens`."),
        ["endUsers"] = new("Different `externalUserId`s."),
        ["SummaryTotals.promptTokens"] = new("Tokens that were read."),
        ["SummaryTotals.completionTokens"] = new("Tokens that were written."),
        ["feedbackUp"] = new("Ratings that are `up`."),
        ["feedbackDown"] = new("Ratings that are `down`."),
        ["count"] = new("How many values there are."),
        ["avgMs"] = new("The mean in milliseconds, rounded."),
        ["p50Ms"] = new("The median in milliseconds."),
        ["p90Ms"] = new("The 90th percentile in milliseconds."),
        ["p95Ms"] = new("The 95th percentile in milliseconds."),
        ["p99Ms"] = new("The 99th percentile in milliseconds."),
        ["maxMs"] = new("The largest value in milliseconds."),
        ["lastSeenAt"] = new("When they last said something."),
        ["withoutAssistant"] = new("Chats in which no assistant said anything."),
        ["withFeedback"] = new("Chats of which something was rated."),
        ["feedbackShare"] = new("Their share of all chats, from 0 to 1; null without chats."),
        ["messagesPerChat"] = new("How many messages a chat has; null without chats."),
        ["firstAssistant"] = new("How long the first answer of an assistant took; null without any."),
        ["duration"] = new("How long chats went on; null without any."),
        ["weekdays"] = new("Seven rows from Monday to Sunday."),
        ["ConversationsWeekday.day"] = new("The day of the week, from 1 (Monday) to 7."),
        ["hours"] = new("Messages in each of the 24 hours of the clock."),
        ["avg"] = new("The mean."),
        ["p50"] = new("The median."),
        ["p90"] = new("The 90th percentile."),
        ["p99"] = new("The 99th percentile."),
        ["max"] = new("The largest value."),

        // Service and problems
        ["LiveResponse.status"] = new("`live`."),
        ["ReadyResponse.status"] = new("`ready`."),
        ["VersionResponse.name"] = new("What runs: Chat Logger."),
        ["version"] = new("The version."),
        ["commit"] = new("The commit that it was built from; null where the build did not know it."),
        ["Problem.type"] = new("Which of the known reasons it is.") { Set = nameof(ProblemType) },
        ["Problem.title"] = new("The reason in words."),
        ["Problem.status"] = new("The status of the answer, or of the item."),
        ["detail"] = new("A sentence for the caller."),
        ["errors"] = new("With type `validation`: the path of each member or parameter that is wrong, and what is wrong with it."),
    };

    private static Member Password(string what) => new($"{what}: {Passwords.LeastBytes} to {Passwords.MostBytes} bytes in UTF-8.")
    {
        // A character takes up to four bytes.
        MinLength = Passwords.LeastBytes / 4,
        MaxLength = Passwords.MostBytes,
        Format = "password",
    };
}
