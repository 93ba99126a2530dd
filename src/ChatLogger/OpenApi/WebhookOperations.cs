using System.Text.Json.Nodes;
using ChatLogger.Webhooks;

namespace ChatLogger.OpenApi;

/// <summary>The section <c>webhooks</c> of the document: what the service sends, for those who generate receivers from it.</summary>
internal static class WebhookOperations
{
    private static readonly (string Event, string Summary, JsonObject Data)[] Events =
    [
        (WebhookEvent.ChatCreated, "A chat was created.", Data(("chatId", Id()), ("chat", OrNull("Chat")))),
        (WebhookEvent.MessageCreated, "A message was added to a chat.", Data(
            ("chatId", Id()), ("messageId", Id()), ("role", Reference("MessageRole")), ("chat", OrNull("Chat")),
            ("message", OrNull("Message")))),
        (WebhookEvent.FeedbackGiven, "A chat or a message was rated.", Data(
            ("chatId", Id()), ("messageId", IdOrNull()), ("rating", Reference("Rating")), ("chat", OrNull("Chat")),
            ("feedback", OrNull("Feedback")))),
        (WebhookEvent.ChatIdle, "A chat has had no message for idleMinutes.", Data(
            ("chatId", Id()), ("idleMinutes", new JsonObject { ["type"] = "integer" }), ("chat", OrNull("Chat")))),
        (WebhookEvent.ExportFinished, "An export has ended.", Data(("exportId", Id()), ("export", Reference("Export")))),
        (WebhookEvent.ErasureFinished, "An erasure is done.", Data(("erasureId", Id()), ("erasure", Reference("Erasure")))),
        (WebhookEvent.Test, "A member tries the webhook.", Data(("webhookId", Id()))),
    ];

    public static JsonObject All() => new(Events.Select(each => KeyValuePair.Create<string, JsonNode?>(each.Event, new JsonObject
    {
        ["post"] = new JsonObject
        {
            ["operationId"] = $"on{string.Concat(each.Event.Split('.').Select(word => char.ToUpperInvariant(word[0]) + word[1..]))}",
            ["tags"] = new JsonArray("Webhooks"),
            ["summary"] = each.Summary,
            ["description"] = "Signed by Standard Webhooks. It may come twice, with the same `webhook-id`. Without `withContent` what is "
                + "nullable is null.",
            ["security"] = new JsonArray(),
            ["parameters"] = new JsonArray(
                Header("webhook-id", "The id of the delivery, the same for each attempt."),
                Header("webhook-timestamp", "When this attempt was made, in seconds since 1970."),
                Header("webhook-signature", "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; two in a rotation.")),
            ["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = new JsonObject
                {
                    ["application/json"] = new JsonObject { ["schema"] = Payload(each.Event, each.Data.DeepClone().AsObject()) },
                },
            },
            ["responses"] = new JsonObject
            {
                ["2XX"] = new JsonObject { ["description"] = "It is delivered. Anything else is sent again for 24 hours." },
                ["410"] = new JsonObject { ["description"] = "The webhook is paused at once." },
            },
        },
    })));

    private static JsonObject Payload(string name, JsonObject data) => new()
    {
        ["type"] = "object",
        ["required"] = new JsonArray("type", "timestamp", "data"),
        ["properties"] = new JsonObject
        {
            ["type"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray(name) },
            ["timestamp"] = new JsonObject { ["type"] = "string", ["format"] = "date-time", ["description"] = "When it happened." },
            ["data"] = data,
        },
    };

    private static JsonObject Data(params (string Name, JsonObject Schema)[] members) => new()
    {
        ["type"] = "object",
        ["required"] = new JsonArray([.. members.Select(member => (JsonNode)member.Name)]),
        ["properties"] = new JsonObject(members.Select(member => KeyValuePair.Create<string, JsonNode?>(member.Name, member.Schema))),
    };

    private static JsonObject Header(string name, string description) => new()
    {
        ["name"] = name,
        ["in"] = "header",
        ["required"] = true,
        ["description"] = description,
        ["schema"] = new JsonObject { ["type"] = "string" },
    };

    private static JsonObject Id() => new() { ["type"] = "string", ["format"] = "uuid" };

    private static JsonObject IdOrNull() => new() { ["type"] = new JsonArray("string", "null"), ["format"] = "uuid" };

    private static JsonObject Reference(string schema) => new() { ["$ref"] = $"#/components/schemas/{schema}" };

    private static JsonObject OrNull(string schema) =>
        new() { ["oneOf"] = new JsonArray(Reference(schema), new JsonObject { ["type"] = "null" }) };
}
