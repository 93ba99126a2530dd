namespace ChatLogger.OpenApi;

/// <summary>A request body that succeeds. A test sends each of them.</summary>
internal sealed record Example(string Key, string Summary, string Body);

/// <summary>The examples of request bodies, by operation name.</summary>
internal static class Examples
{
    private static readonly Example[] Spans =
    [
        new("span", "A span that is a call of a model, without what was said",
            """
            {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
              "name":"chat m-1","startTimeUnixNano":"1764547200000000000","endTimeUnixNano":"1764547200840000000",
              "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}]}]}]}
            """),
    ];

    private static readonly Dictionary<string, Example[]> All = new()
    {
        ["CreateChat"] =
        [
            new("chat", "A visitor opens a chat",
                """{"title":"Where is my order?","tags":["shipping"],"externalUserId":"visitor-17","metadata":{"page":"/orders"}}"""),
        ],
        ["CreateOwnChat"] = [new("chat", "A member opens a chat", """{"title":"Notes on the week","tags":["internal"]}""")],
        ["ChangeChat"] = [new("tags", "Replace the tags", """{"tags":["shipping","late"]}""")],
        ["ChangeOwnChat"] = [new("title", "Give it another title", """{"title":"Order 1017 is late"}""")],
        ["AppendMessage"] =
        [
            new("question", "What the visitor asks", """{"role":"user","content":"Where is my order?"}"""),
            new("answer", "What the bot answers",
                """{"role":"assistant","content":"It is on its way.","model":"gpt-5","latencyMs":820,"promptTokens":412}"""),
            new("toolCall", "What the bot asks a tool",
                """{"role":"assistant","toolCalls":[{"id":"call_1","name":"find_order","arguments":{"number":1017}}]}"""),
            new("toolAnswer", "What the tool answers",
                """{"role":"tool","toolCallId":"call_1","name":"find_order","content":"{\"state\":\"sent\"}"}"""),
            new("parts", "A text and an image", """
                {"role":"user","parts":[{"type":"text","text":"Is it this one?"},
                  {"type":"image_url","image_url":{"url":"https://shop.example/1017.png"}}]}
                """),
        ],
        ["AppendOwnMessage"] = [new("message", "What a member adds", """{"role":"user","content":"I have called the customer."}""")],
        ["GiveFeedback"] = [new("up", "It helped", """{"rating":"up"}""")],
        ["GiveFeedbackOnMessage"] = [new("down", "It did not help", """{"rating":"down","comment":"That was last year's address."}""")],
        ["WriteBatch"] =
        [
            new("conversation", "A chat, its messages and what the user thought of the answer", """
                {"items":[
                  {"type":"chat","ref":"c1","title":"Where is my order?","externalUserId":"visitor-17"},
                  {"type":"message","chatRef":"c1","role":"user","content":"Where is my order?"},
                  {"type":"message","ref":"m2","chatRef":"c1","role":"assistant","content":"It is on its way."},
                  {"type":"feedback","chatRef":"c1","messageRef":"m2","rating":"up"}]}
                """),
        ],
        ["Login"] = [new("member", "E-mail address and password", """{"email":"ann@acme.example","password":"correct horse battery"}""")],
        ["ChangeProfile"] = [new("name", "Change your name", """{"name":"Ann"}""")],
        ["ChangeOwnOrganization"] =
        [
            new("zone", "Choose a time zone", """{"settings":{"timeZone":"Europe/Amsterdam"}}"""),
            new("privacy", "Keep chats for a year, without e-mail addresses and order numbers", """
                {"settings":{"retentionDays":365,
                  "redaction":{"kinds":["email"],"patterns":[{"name":"order","pattern":"ORD-[0-9]{6}"}]}}}
                """),
            new("prices", "Set the prices of models", """{"settings":{"prices":{"gpt-4o":{"prompt":2.5,"completion":10}}}}"""),
        ],
        ["PreviewRedaction"] = [new("text", "A text with an e-mail address", """{"text":"Write to jane@example.com."}""")],
        ["RequestErasure"] = [new("endUser", "Erase an end user", """{"externalUserId":"visitor-17"}""")],
        ["ChangeOrganization"] = [new("name", "Rename it", """{"name":"Acme International"}""")],
        ["CreateOrganization"] =
        [
            new("organization", "A new organization",
                """{"slug":"initech","name":"Initech","settings":{"timeZone":"America/New_York"}}"""),
        ],
        ["CreateMember"] =
        [
            new("viewer", "Somebody who reads",
                """{"email":"bob@acme.example","name":"Bob","role":"viewer","password":"a long enough password"}"""),
        ],
        ["ChangeMember"] = [new("role", "Let them write, too", """{"role":"user"}""")],
        ["CreateApiKey"] = [new("widget", "A key for a page", """{"label":"Website widget","allowedOrigins":["https://shop.example"]}""")],
        ["RotateApiKey"] = [new("overlap", "Let the old one work for two days", """{"overlapHours":48}""")],
        ["CreateWebhook"] =
        [
            new("messages", "Tell another service of messages, and when a chat is idle",
                """
                {"url":"https://shop.example/hooks","events":["message.created","chat.idle"],"withContent":true,"idleMinutes":15}
                """),
        ],
        ["ChangeWebhook"] = [new("resume", "Resume a paused webhook", """{"state":"active"}""")],
        ["RotateWebhook"] = [new("overlap", "Sign with the old secret, too, for two days", """{"overlapHours":48}""")],
        ["RequestExport"] =
        [
            new("csv", "A table of messages, at once where it is small",
                """{"format":"csv","layout":"messages","from":"2026-11-01","to":"2026-12-01"}"""),
            new("later", "Everything as JSON, to be fetched later", """{"format":"json","mode":"async"}"""),
        ],
        ["IngestLangfuse"] =
        [
            new("trace", "Which conversation a trace belongs to",
                """
                {"batch":[{"id":"0f7ec18e-cda2-4384-af01-98096c4bfcb5","type":"trace-create","timestamp":"2026-11-01T12:00:00Z",
                  "body":{"id":"f06b133f-947e-4ff7-a9ed-a20f6cd4c165","sessionId":"order-1017","userId":"visitor-17"}}],"metadata":{}}
                """),
        ],
        ["IngestLunary"] =
        [
            new("event", "An event that is no message",
                """
                {"events":[{"event":"start","type":"tool","runId":"2d73d3e6-23ef-4b04-bc9e-21497451e57b","timestamp":1761998400000}]}
                """),
        ],
        ["ReceiveTraces"] = Spans,
        ["ReceiveTracesAtOtel"] = Spans,
        ["ReceiveTracesAtPublicOtel"] = Spans,
    };

    /// <summary>Returns the examples; a test checks that every operation with a body has one.</summary>
    public static IReadOnlyList<Example> Of(string operation) => All.GetValueOrDefault(operation) ?? [];
}
