using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.SearchIndex;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private const string ParticipantName = "The name of the tool that answers, or of the participant who speaks.";
    private const string Instant = "2026-11-01T00:00:00Z";

    private static Dictionary<string, Member> ListMembers(Limits limits) => new()
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
            $"A name of your own for this request: 1 to {IdempotencyKey.MaxLength} printable characters of ASCII, bare or between "
            + "double quotes. For 24 hours the same key with the same body is answered with what the first one made, and the header "
            + "`Idempotent-Replayed: true`.")
        {
            MinLength = 1,
            Pattern = "^[ -~]+$",
        },
        ["Last-Event-ID"] = new("The id of the last event that you have: the stream goes on after it. It goes before `after`."),
        ["after"] = new("The same as the header `Last-Event-ID`, for those who cannot set it."),
        ["If-None-Match"] = new("The `ETag` of a file that you have: where it is still the same, the answer is 304."),
        ["Range"] = new("One range of bytes of the uncompressed file."),
        ["If-Range"] = new("The `ETag` that the range is of: where the file is another, all of it is sent."),

        // Lists
        ["limit"] = new("How many there may be on a page.")
        {
            Minimum = 1,
            Maximum = Page.MaxLimit,
            Default = $"{Page.DefaultLimit}",
            Example = "50",
        },
        ["previousCursor"] = new("Leads to the page before, in the same order; null on the first one."),
        ["around"] = new("The id of a message that the page has in its middle.") { Format = "uuid" },
        ["unanswered"] = new("Whether the last message is the user's.") { Set = "Flag", Example = "true" },
        ["ListChatsRequest.rating"] = RatingFilter,
        ["RequestExportRequest.rating"] = RatingFilter,
        ["cursor"] = new("`nextCursor` of the page before. It is of this list with these filters, and no other."),
        ["items"] = new("What is on this page."),
        ["nextCursor"] = new("Leads to the next page; null on the last one."),
        ["order"] = new("The order of the list.") { Set = "SortOrder", Example = "asc" },
        ["from"] = new("The beginning: a time (RFC 3339), or a date, which stands for its local midnight.")
        {
            MinLength = 1,
            Example = Instant,
        },
        ["to"] = new("The end, itself excluded: a time (RFC 3339), or a date, which stands for its local midnight.")
        {
            MinLength = 1,
            Example = "2026-11-30",
        },
        ["q"] = new("What is searched for in the texts and tool calls of messages, and in the title, tags and `externalUserId` of chats.")
        {
            MaxLength = SearchQuery.MaxCharacters,
            Example = "refund* OR \"money back\"",
        },
        ["tag"] = new("Tags that a chat must have, all of them.")
        {
            MaxItems = limits.Tags,
            MinLength = 1,
            MaxLength = limits.TagLength,
            Example = "billing",
        },
        ["RequestExportRequest.tag"] = new("Tags that a chat must have, all of them. A single one may be sent as a string.")
        {
            IsList = true,
            MaxItems = limits.Tags,
            MinLength = 1,
            MaxLength = limits.TagLength,
        },
    };

    private static Dictionary<string, Member> ConversationMembers(Limits limits) => new()
    {
        // Chats
        ["id"] = new("Its id, a UUIDv7."),
        ["externalId"] = new("The plugin's own name of the chat, which no other chat of the organization has that is not deleted.")
        {
            MaxLength = limits.ExternalIdLength,
            Example = "conversation-4711",
        },
        ["title"] = new("What the chat is called.") { MaxLength = limits.NameLength },
        ["tags"] = new("Words to find the chat by, each once; space around them is cut off.")
        {
            MaxItems = limits.Tags,
            Unique = true,
            MinLength = 1,
            MaxLength = limits.TagLength,
        },
        ["metadata"] = new(
            $"A JSON object of your own; it comes back JSON-equal. At most {limits.MetadataBytes} bytes, {limits.MetadataDepth} levels and "
            + $"{limits.MetadataKeys} keys in all.")
        {
            IsMetadata = true,
        },
        ["userId"] = new("The member that the chat is attributed to.")
        {
            Format = "uuid",
            Example = "01934f2e-7a1f-7c3d-8e4f-5a6b7c8d9e0f",
        },
        ["externalUserId"] = new("The plugin's own name for its end user.")
        {
            MaxLength = limits.ExternalUserIdLength,
            Example = "visitor-17",
        },
        ["createdAt"] = new("When it was made."),
        ["updatedAt"] = new("When the chat's title, tags or metadata last became others."),
        ["feedback"] = new("What the end user thought of it; null where nothing was said."),
        ["messageCount"] = new("How many messages the chat has."),
        ["firstMessageAt"] = new("The time of the first message; null without any."),
        ["lastMessageAt"] = new("The time of the last message, which `preview` shows; null without any."),
        ["preview"] = new(
            "The beginning of the last message's content, or else of the text of its parts, at most 200 characters; null without any."),
        ["ListChatsItem.messageId"] = new(
            "The first message that matches `q`; null without `q`, and where only title, tags or `externalUserId` match.")
        {
            Format = "uuid",
        },
        ["snippet"] = new("A part of the text that matches `q`, at most 200 characters; null without `q`."),

        // Messages
        ["role"] = new("Who speaks.") { Set = nameof(MessageRole) },
        ["content"] = new(
            $"What is said: 1 to {limits.ContentBytes} bytes in UTF-8, not only white space. It is kept as it is. Beside `parts` or "
            + "`toolCalls` it may be null or empty, which is null; all three together have at most that many bytes.")
        {
            MaxLength = limits.ContentBytes,
        },
        ["parts"] = new("What is said in several parts, such as text and images. They come back JSON-equal.")
        {
            ItemSchema = "MessagePart",
            MaxItems = limits.Parts,
        },
        ["toolCalls"] = new("The tools that the assistant calls; on messages with the role `assistant` only.")
        {
            ItemSchema = "ToolCall",
            MaxItems = limits.ToolCalls,
        },
        ["toolCallId"] = new("The `id` of the call that this message answers; on messages with the role `tool` or `function` only.")
        {
            MaxLength = limits.ToolNameLength,
        },
        ["MessagePart.type"] = new("What the part is, such as `text` or `image_url`."),
        ["ToolCall.id"] = new("What the answer to the call names as its `toolCallId`."),
        ["ToolCall.name"] = new("The tool."),
        ["ToolCall.arguments"] = new("What it is called with: a string, for instance of JSON, or an object. It is kept as it is."),
        ["latencyMs"] = new("How long the answer took, in milliseconds.") { Minimum = 0, Maximum = limits.LatencyMs },
        ["tokenCount"] = new("Tokens of the message in all.") { Minimum = 0, Maximum = limits.Tokens },
        ["promptTokens"] = new("Tokens that were read for it.") { Minimum = 0, Maximum = limits.Tokens },
        ["completionTokens"] = new("Tokens that were written.") { Minimum = 0, Maximum = limits.Tokens },
        ["model"] = new("The model that answered.") { MaxLength = limits.ModelLength },
        ["rating"] = new("What the end user thought.") { Set = "Rating" },
        ["comment"] = new("Why, in the end user's words.") { MaxLength = limits.CommentLength },
        ["Feedback.at"] = new("When it was given; the last one counts."),

        ["Message.name"] = new(ParticipantName),
        ["AppendMessageRequest.name"] = new(ParticipantName) { MaxLength = limits.ToolNameLength },
        ["WriteBatchMessageItem.name"] = new(ParticipantName) { MaxLength = limits.ToolNameLength },

        // Batches
        ["WriteBatchRequest.items"] = new(
            "Chats, messages and feedback: all chats are written first, then the messages, then the feedback, each in this order.")
        { MinItems = 1, MaxItems = limits.BatchItems },
        ["type"] = new("What the item is."),
        ["ref"] = new("A name for the chat within this batch, which its messages can give as `chatRef`.")
        {
            MinLength = 1,
            MaxLength = limits.RefLength,
        },
        ["WriteBatchMessageItem.ref"] = new("A name for the message within this batch, which feedback can give as `messageRef`.")
        {
            MinLength = 1,
            MaxLength = limits.RefLength,
        },
        ["messageRef"] = new("The `ref` of a message that stands earlier in this batch, in place of `messageId`.")
        {
            MinLength = 1,
            MaxLength = limits.RefLength,
        },
        ["WriteBatchFeedbackItem.chatId"] = new("The chat that is rated, or that has the message; or else `chatRef` says which.")
        {
            Format = "uuid",
        },
        ["WriteBatchFeedbackItem.messageId"] = new("The message that is rated; without it, and without `messageRef`, the chat is.")
        {
            Format = "uuid",
        },
        ["WriteBatchFeedbackItem.createdAt"] = CreatedAt("it was given"),
        ["chatRef"] = new("The `ref` of a chat that stands earlier in this batch, in place of `chatId`.")
        {
            MinLength = 1,
            MaxLength = limits.RefLength,
        },
        ["WriteBatchMessageItem.chatId"] = new("The chat it belongs to; or else `chatRef` says which.") { Format = "uuid" },
        ["idempotencyKey"] = new(
            $"As the header of single requests, for this item: 1 to {IdempotencyKey.MaxLength} printable characters of ASCII.")
        {
            MinLength = 1,
            Pattern = "^[ -~]+$",
        },
        ["WriteBatchChatItem.createdAt"] = CreatedAt("the chat began"),
        ["CreateChatRequest.createdAt"] = CreatedAt("the chat began"),
        ["WriteBatchMessageItem.createdAt"] = CreatedAt("it was said"),
        ["AppendMessageRequest.createdAt"] = CreatedAt("it was said"),
        ["results"] = new("A result for each item, in their order."),
        ["index"] = new("Which item: the first is 0."),
        ["WriteBatchResult.status"] = new("The item's own status: 201, 400, 403, 404, 409, 422 or 503."),
        ["WriteBatchResult.id"] = new("The id of what was written; null where nothing was."),
        ["replayed"] = new("Whether it had been written before: under the same `idempotencyKey`, or a chat with the same `externalId`."),
        ["problem"] = new("Why the item was refused; null where it was not."),
    };

    private static Member RatingFilter => new("The rating of the chat or of one of its messages; `none`: there is none.")
    {
        Set = "RatingFilter",
        Example = "down",
    };

    private static Member CreatedAt(string what) => new(
        $"When {what}, where that is past: at most {CreationTime.MaxAge.TotalHours} hours, or from 1970 on with the scope `import`.")
    {
        Format = "date-time",
    };
}
