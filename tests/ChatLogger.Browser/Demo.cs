using System.Text.Json.Nodes;

namespace ChatLogger.Browser;

/// <summary>Conversations that look as if people had had them.</summary>
internal static class Demo
{
    private static readonly (string Title, string User, string[] Tags, string Question, string Answer, string? Rating)[] Chats =
    [
        ("Where is my refund?", "marta.kowalska", ["billing", "refund"],
            "I sent the boots back two weeks ago and still have no refund.",
            "Your return reached us on Monday; the refund of € 89.95 is on its way and takes up to three working days.", "up"),
        ("Change the delivery address", "j.okafor", ["delivery"],
            "Can you still send it to my office?", "Yes, the parcel has not left yet. Which address shall I use?", null),
        ("Invoice with VAT number", "studio-lindqvist", ["billing", "invoice"],
            "We need the invoice of 12 March with our VAT number on it.", "I have made it anew; it is in your mailbox.", "up"),
        ("Kan ik mijn bestelling annuleren?", "pieter.devries", ["delivery", "dutch"],
            "Kan ik bestelling 48213 nog annuleren?", "Dat kan nog tot vanavond zes uur. Zal ik het doen?", null),
        ("The app forgets my size", "amelie", ["app", "bug"],
            "Each time I open the app it asks for my size again.", "Thank you, we could reproduce it; version 4.2 mends it.", "down"),
        ("هل يمكنني تغيير المقاس؟", "leila.haddad", ["sizes"],
            "طلبت مقاس 38 وأحتاج إلى 39.", "نعم، يمكنك تبديل المقاس مجانًا خلال 30 يومًا.", "up"),
        ("Gift card does not work", "tom.b", ["billing"],
            "The code on the card is refused as unknown.", "It was not activated at the till. It works now.", null),
        ("Is the Trail 3 waterproof?", "visitor-5521", ["products"],
            "Is the Trail 3 waterproof, or only water-repellent?", "It has a membrane: it is waterproof.", "up"),
        ("Newsletter", "7d6f1c52-0a4e-4b7f-9d21-5c8e6b3a9f40", [],
            "Please take me off the list.", "Done: you get no more mails from us.", null),
    ];

    /// <summary>Chats of the last days, the first of them with tools; answers the id of that one.</summary>
    public static async Task<string> Fill(Org org)
    {
        var now = DateTimeOffset.UtcNow;
        var items = new JsonArray();
        for (var i = Chats.Length - 1; i > 0; i--)
        {
            var (title, user, tags, question, answer, rating) = Chats[i];
            var begun = now - TimeSpan.FromHours(i * 7) - TimeSpan.FromMinutes(i * 11);
            items.Add(Chat($"c{i}", title, user, tags, begun));
            items.Add(Message($"c{i}", "user", question, begun));
            items.Add(Message($"c{i}", "assistant", answer, begun.AddSeconds(3), 900 + (130 * i), ("helper-2", 180 + i, 40 + (3 * i))));
            if (rating is not null)
                items.Add(new JsonObject { ["type"] = "feedback", ["chatRef"] = $"c{i}", ["rating"] = rating });
        }
        await Write(org, items);
        return await WithTools(org, now);
    }

    /// <summary>Sends these items as one batch, each of which must succeed; answers the ids, in order.</summary>
    public static async Task<IReadOnlyList<string?>> Write(Org org, JsonArray items)
    {
        var plugin = org.App.Stranger.WithKey(await org.Key("ingest", "import"));
        var answer = (await plugin.Post($"{org.ApiPath}/batch", new JsonObject { ["items"] = items }.ToJsonString())).Is(207);
        var results = answer["results"].EnumerateArray().ToList();
        Assert.All(results, result => Assert.True(result.GetProperty("status").GetInt32() < 300, result.GetRawText()));
        return [.. results.Select(result => result.TryGetProperty("id", out var id) ? id.GetString() : null)];
    }

    public static JsonObject Chat(string reference, string? title, string user, string[] tags, DateTimeOffset at) => new()
    {
        ["type"] = "chat",
        ["ref"] = reference,
        ["title"] = title,
        ["externalUserId"] = user,
        ["tags"] = new JsonArray([.. tags.Select(tag => (JsonNode)tag)]),
        ["createdAt"] = at,
    };

    public static JsonObject Message(
        string chat, string role, string content, DateTimeOffset at, int? latency = null, (string Model, int In, int Out)? used = null)
    {
        var message = new JsonObject
        {
            ["type"] = "message",
            ["chatRef"] = chat,
            ["role"] = role,
            ["content"] = content,
            ["createdAt"] = at,
        };
        if (latency is not null)
            message["latencyMs"] = latency;
        if (used is var (model, prompt, completion))
            (message["model"], message["promptTokens"], message["completionTokens"]) = (model, prompt, completion);
        return message;
    }

    private static async Task<string> WithTools(Org org, DateTimeOffset now)
    {
        var (title, user, tags, question, answer, _) = Chats[0];
        var at = now.AddMinutes(-4);
        var asks = Message("t", "assistant", "Let me look at the return and at the payment.",
            at.AddSeconds(5), 1240, ("helper-2", 412, 61));
        asks["toolCalls"] = JsonNode.Parse(
            """
            [{"id":"call_1","name":"find_return","arguments":"{\"order\":\"48107\",\"email\":\"marta.kowalska@example.org\"}"},
             {"id":"call_2","name":"refund_status","arguments":"{\"order\":\"48107\"}"}]
            """);
        var found = Message("t", "tool", """{"return":"R-5512","arrived":"Monday","items":["Trail 3, size 39"]}""", at.AddSeconds(6));
        found["toolCallId"] = "call_1";
        var refunded = Message("t", "tool", """{"amount":"€ 89.95","state":"sent to the bank"}""", at.AddSeconds(7));
        refunded["toolCallId"] = "call_2";
        var said = Message("t", "assistant", answer, at.AddSeconds(9), 1830, ("helper-2", 655, 48));
        said["ref"] = "answer";
        said["metadata"] = new JsonObject { ["channel"] = "web", ["intent"] = "refund" };
        var ids = await Write(org,
        [
            Chat("t", title, user, tags, at),
            Message("t", "user", question, at.AddSeconds(1)),
            asks, found, refunded, said,
            Message("t", "user", "Thank you, that was quick. Will the shipping be paid back too?", at.AddMinutes(1)),
            Message("t", "assistant", "Yes: the shipping of € 4.95 is part of it, since the boots were faulty.\n\n"
                + "```\nBoots      € 85.00\nShipping   €  4.95\nTotal      € 89.95\n```", at.AddMinutes(1.1), 1120, ("helper-2", 702, 57)),
            new JsonObject
            {
                ["type"] = "feedback",
                ["chatRef"] = "t",
                ["messageRef"] = "answer",
                ["rating"] = "up",
                ["comment"] = "Quick and clear",
            },
            new JsonObject { ["type"] = "feedback", ["chatRef"] = "t", ["rating"] = "up" },
        ]);
        return ids[0]!;
    }
}
