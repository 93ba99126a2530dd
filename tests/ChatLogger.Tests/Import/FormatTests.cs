using ChatLogger.Auth;
using ChatLogger.Import;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Import;

/// <summary>A file of each format, imported into the service and read back.</summary>
public partial class FormatTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public Task Fine_tuning_data_keep_tools_calls_answers_and_parts() => Becomes(
        """
        {"messages":[{"role":"system","content":"Be brief.","weight":0},{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAEC"}},{"type":"image_url","image_url":{"url":"https://acme.example/x.png"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}]},{"role":"tool","tool_call_id":"call_1","content":"a dot"},{"role":"assistant","content":"A dot."}],"tools":[{"type":"function","function":{"name":"look"}}],"parallel_tool_calls":false}
        {"messages":[{"role":"user","name":"ann","content":"Rome?"},{"role":"assistant","function_call":{"name":"weather","arguments":"{}"}},{"role":"function","name":"weather","content":"Sun"},{"role":"assistant","content":null,"refusal":"I may not say."}]}
        """,
        """
        # metadata={"tools":[{"type":"function","function":{"name":"look"}}],"parallelToolCalls":false}
        system Be brief. metadata={"weight":0}
        user parts=[{"type":"text","text":"What is this?"},{"type":"image_url","mediaType":"image/png","bytes":3,"sha256":"ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc"},{"type":"image_url","image_url":{"url":"https://acme.example/x.png"}}]
        assistant toolCalls=[{"id":"call_1","name":"look","arguments":"{\"at\": 1}"}]
        tool a dot toolCallId=call_1
        assistant A dot.
        #
        user name=ann Rome?
        assistant toolCalls=[{"id":"call_1","name":"weather","arguments":"{}"}]
        function name=weather Sun toolCallId=call_1
        assistant I may not say. metadata={"refusal":true}
        """,
        "openai-jsonl",
        told: "1 embedded files replaced by their type, size and hash");

    [Fact]
    public Task Data_sets_of_ShareGPT_are_read_as_an_array() => Becomes(
        """
        [
          { "id": "s1", "system": "Be kind.", "conversations": [
            { "from": "human", "value": "Add 1 and 2" },
            { "from": "function_call", "value": "{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}" },
            { "from": "observation", "value": "3" },
            { "from": "gpt", "value": "It is 3." }
          ] },
          { "id": "s2", "conversations": [ { "from": "user", "value": "" }, { "from": "chatgpt", "value": "Hello" } ] }
        ]
        """,
        """
        # metadata={"source":"sharegpt","id":"s1"}
        system Be kind.
        user Add 1 and 2
        assistant toolCalls=[{"id":"call_1","name":"add","arguments":"{\"a\": 1, \"b\": 2}"}]
        tool 3 toolCallId=call_1
        assistant It is 3.
        # metadata={"source":"sharegpt","id":"s2"}
        assistant Hello
        """,
        "sharegpt",
        told: "1 messages left out that say nothing");

    [Fact]
    public Task Conversations_of_a_corpus_keep_what_is_said_about_them() => Becomes(
        """
        {"conversationId":"a","vertical":" Coffee ","scenario":"Größe","messages":[{"role":"user","content":"Hi \u00a0\r\n","metadata":{"n":1.50,"big":12345678901234567890}},{"role":"tool","content":"{}"}]}
        """,
        "# Größe tags=[\"Coffee\"] metadata={\"conversationId\":\"a\",\"vertical\":\" Coffee \",\"scenario\":\"Größe\"}\n"
        + "user Hi \u00a0\r⏎ metadata={\"n\":1.50,\"big\":12345678901234567890}\ntool {}",
        "conversations");

    [Fact]
    public Task WhatsApp_on_Android_has_lines_without_dates_and_of_the_system() => Becomes(
        """
        31/12/2023, 23:58 - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.
        31/12/2023, 23:59 - Ann: Is anybody there?
        It is late.

        And dark.
        01/01/2024, 00:01 - Shop: We are: always here
        01/01/2024, 00:02 - Ann: <Media omitted>
        """,
        """
        # WhatsApp Chat with Shop metadata={"source":"whatsapp"}
        system Messages and calls are end-to-end encrypted. No one outside of this chat can read them. createdAt=2023-12-31T22:58:00.000Z
        user name=Ann Is anybody there?⏎It is late.⏎And dark. createdAt=2023-12-31T22:59:00.000Z
        assistant name=Shop We are: always here createdAt=2023-12-31T23:01:00.000Z
        user name=Ann <Media omitted> createdAt=2023-12-31T23:02:00.000Z
        """,
        "whatsapp",
        "WhatsApp Chat with Shop.txt",
        options: new() { Assistants = new HashSet<string> { "Shop" }, Zone = NodaTime.DateTimeZoneProviders.Tzdb["Europe/Amsterdam"] });

    [Fact]
    public Task WhatsApp_on_iOS_has_brackets_seconds_and_marks() => Becomes(
        "\u200e[12/31/23, 11:59:01\u202fPM] Shop: \u200eMessages and calls are end-to-end encrypted.\r\n"
        + "[12/31/23, 11:59:30\u202fPM] Ann: Hello\r\nsecond line\r\n[1/1/24, 12:00:05\u202fAM] ~ Bob: \u200e<attached: 1-PHOTO.jpg>\r\n",
        """
        # _chat metadata={"source":"whatsapp"}
        system Messages and calls are end-to-end encrypted. createdAt=2023-12-31T23:59:01.000Z
        user name=Ann Hello⏎second line createdAt=2023-12-31T23:59:30.000Z
        """ + "\nuser name=Bob \u200e<attached: 1-PHOTO.jpg> createdAt=2024-01-01T00:00:05.000Z",
        "whatsapp",
        "_chat.txt");

    [Fact]
    public Task A_table_is_read_by_the_names_of_its_columns() => Becomes(
        "thread;who;text;when;stars\r\nt1;customer;\"Where is\nmy \"\"order\"\"?\";2024-03-31 02:30:00;\r\n"
        + "t1;bot;On its way;1711848700;up\r\n\r\nt2;human;=1+1;2024-04-01T10:00:00+02:00;\r\n",
        """
        # metadata={"source":"csv","id":"t1"}
        user Where is⏎my "order"? createdAt=2024-03-31T02:30:00.000Z
        assistant On its way createdAt=2024-03-31T01:31:40.000Z feedback=up
        # metadata={"source":"csv","id":"t2"}
        user =1+1 createdAt=2024-04-01T08:00:00.000Z
        """,
        "csv",
        options: new()
        {
            Columns = new Dictionary<string, string>
            {
                ["chat"] = "thread",
                ["role"] = "who",
                ["content"] = "text",
                ["createdAt"] = "when",
                ["rating"] = "stars",
            },
        });

    // Chats of the same millisecond have no order.
    private static string Sorted(string shown) => string.Join('#', shown.TrimEnd().Split('#').Select(chat => chat.TrimEnd()).Order());

    /// <summary>Imports a text and compares what the service has then; the format is recognized.</summary>
    private async Task Becomes(
        string file, string expected, string format, string name = "file.json", ImportOptions? options = null, string? told = null)
    {
        var acme = await app.Org("acme");
        var key = await acme.Key(KeyScope.Ingest, KeyScope.Import);
        using var imports = new Imports { Options = options ?? new() };

        var outcome = await imports.Run(acme, app.Http, key, file, name);

        Assert.Contains($"format     {format}\n", outcome.Report, StringComparison.Ordinal);
        Assert.True(outcome.Counts.Refused == 0, outcome.Report);
        Assert.Equal(Sorted(expected), Sorted(Imports.Shown(await Imports.Export(await acme.Admin()))));
        Assert.Contains(told ?? "", outcome.Report, StringComparison.Ordinal);
    }
}
