using ChatLogger.Import;

namespace ChatLogger.Tests.Import;

/// <summary>Formats whose conversations branch, and traces.</summary>
public partial class FormatTests
{
    private const string ChatGpt =
        """
        [{"title":"Rome","create_time":1700000000.123456,"update_time":1700000100.5,"mapping":{
        "root":{"id":"root","message":null,"parent":null,"children":["sys"]},
        "sys":{"id":"sys","message":{"id":"sys","author":{"role":"system"},"content":{"content_type":"text","parts":[""]},"recipient":"all","metadata":{"is_visually_hidden_from_conversation":true}},"parent":"root","children":["u1"]},
        "u1":{"id":"u1","message":{"id":"u1","author":{"role":"user"},"create_time":1700000001.5,"content":{"content_type":"multimodal_text","parts":[{"content_type":"image_asset_pointer","asset_pointer":"file-service://file-1","size_bytes":10},"What is this?"]},"recipient":"all","metadata":{}},"parent":"sys","children":["a1","a2"]},
        "a1":{"id":"a1","message":{"id":"a1","author":{"role":"assistant"},"create_time":1700000002,"content":{"content_type":"text","parts":["A first answer"]},"recipient":"all","metadata":{"model_slug":"gpt-4"}},"parent":"u1","children":[]},
        "a2":{"id":"a2","message":{"id":"a2","author":{"role":"assistant"},"create_time":1700000003,"content":{"content_type":"code","language":"python","text":"print(1)"},"recipient":"python","metadata":{"model_slug":"gpt-4o"}},"parent":"u1","children":["t1"]},
        "t1":{"id":"t1","message":{"id":"t1","author":{"role":"tool","name":"python"},"create_time":1700000004,"content":{"content_type":"execution_output","text":"1"},"recipient":"all","metadata":{}},"parent":"a2","children":["a3"]},
        "a3":{"id":"a3","message":{"id":"a3","author":{"role":"assistant"},"create_time":1700000005,"content":{"content_type":"text","parts":["One."]},"recipient":"all","metadata":{"model_slug":"gpt-4o"}},"parent":"t1","children":[]}},
        "current_node":"a3","conversation_id":"c-1","id":"c-1"}]
        """;

    private const string ChatGptLatest =
        """
        # Rome metadata={"source":"chatgpt","conversationId":"c-1"}
        user parts=[{"type":"image_asset_pointer","asset_pointer":"file-service://file-1","size_bytes":10},{"type":"text","text":"What is this?"}] metadata={"contentType":"multimodal_text"} createdAt=2023-11-14T22:13:21.500Z
        assistant toolCalls=[{"id":"a2","name":"python","arguments":"print(1)"}] metadata={"contentType":"code"} model=gpt-4o createdAt=2023-11-14T22:13:23.000Z
        tool name=python 1 toolCallId=a2 metadata={"contentType":"execution_output"} createdAt=2023-11-14T22:13:24.000Z
        assistant One. model=gpt-4o createdAt=2023-11-14T22:13:25.000Z
        """;

    [Fact]
    public Task ChatGPT_has_the_branch_that_was_shown_last() => Becomes(ChatGpt, ChatGptLatest, "chatgpt");

    [Fact]
    public Task ChatGPT_has_every_branch_as_a_chat() => Becomes(
        ChatGpt,
        ChatGptLatest + "\n"
        + """
        # Rome metadata={"source":"chatgpt","conversationId":"c-1","branch":"a1"}
        user parts=[{"type":"image_asset_pointer","asset_pointer":"file-service://file-1","size_bytes":10},{"type":"text","text":"What is this?"}] metadata={"contentType":"multimodal_text"} createdAt=2023-11-14T22:13:21.500Z
        assistant A first answer model=gpt-4 createdAt=2023-11-14T22:13:22.000Z
        """,
        "chatgpt",
        options: new() { Branches = Branches.All });

    [Fact]
    public Task LibreChat_has_messages_that_name_the_one_before() => Becomes(
        """
        {
          "conversationId": "l-1", "endpoint": "openAI", "title": "Weather", "exportAt": "12:30:38 GMT+0100", "branches": true, "recursive": false,
          "options": { "model": "gpt-4o" },
          "messages": [
            { "messageId": "m1", "parentMessageId": "00000000-0000-0000-0000-000000000000", "sender": "User", "isCreatedByUser": true, "text": "Rome?", "createdAt": "2024-05-01T10:00:00.000Z", "tokenCount": 3 },
            { "messageId": "m2", "parentMessageId": "m1", "sender": "GPT-4", "isCreatedByUser": false, "text": "An old answer", "createdAt": "2024-05-01T10:00:01.000Z" },
            { "messageId": "m3", "parentMessageId": "m1", "sender": "Agent", "isCreatedByUser": false, "text": "", "model": "gpt-4o", "createdAt": "2024-05-01T10:00:09.000Z", "tokenCount": 7,
              "content": [ { "type": "tool_call", "tool_call": { "id": "call_9", "name": "weather", "args": "{\"city\":\"Rome\"}", "output": "Sun" } }, { "type": "text", "text": { "value": "Sunny." } } ],
              "feedback": { "rating": "thumbsDown", "tag": "inaccurate", "text": "It rains" } }
          ]
        }
        """,
        """
        # Weather metadata={"source":"librechat","conversationId":"l-1","endpoint":"openAI"}
        user Rome? tokenCount=3 createdAt=2024-05-01T10:00:00.000Z
        assistant toolCalls=[{"id":"call_9","name":"weather","arguments":"{\"city\":\"Rome\"}"}] model=gpt-4o createdAt=2024-05-01T10:00:09.000Z
        tool name=weather Sun toolCallId=call_9 createdAt=2024-05-01T10:00:09.000Z
        assistant Sunny. model=gpt-4o tokenCount=7 createdAt=2024-05-01T10:00:09.000Z feedback=down It rains
        """,
        "librechat");

    [Fact]
    public Task Open_WebUI_has_ratings_usage_tags_and_files() => Becomes(
        """
        [{"id":"w-1","user_id":"u-7","title":"Logo","chat":{"title":"Logo","models":["llama3"],"history":{"currentId":"a2","messages":{
        "q1":{"id":"q1","parentId":null,"childrenIds":["a1","a2"],"role":"user","content":"Draw it","timestamp":1714557600,"files":[{"type":"image","url":"data:image/png;base64,AAEC"}]},
        "a1":{"id":"a1","parentId":"q1","childrenIds":[],"role":"assistant","content":"No","model":"llama3","timestamp":1714557601},
        "a2":{"id":"a2","parentId":"q1","childrenIds":[],"role":"assistant","content":"Done","model":"llama3","timestamp":1714557602,"usage":{"prompt_tokens":5,"completion_tokens":6,"total_duration":1500000000},"annotation":{"rating":1,"comment":"Nice"}}}},
        "tags":[],"timestamp":1714557600000},"updated_at":1714557700,"created_at":1714557600,"share_id":null,"archived":false,"pinned":false,"meta":{"tags":["design"]},"folder_id":null}]
        """,
        """
        # Logo tags=["design"] externalUserId=u-7 metadata={"source":"open-webui","chatId":"w-1"}
        user parts=[{"type":"text","text":"Draw it"},{"type":"image","mediaType":"image/png","bytes":3,"sha256":"ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc"}] createdAt=2024-05-01T10:00:00.000Z
        assistant Done model=llama3 latencyMs=1500 promptTokens=5 completionTokens=6 createdAt=2024-05-01T10:00:02.000Z feedback=up Nice
        """,
        "open-webui",
        told: "bytes of embedded files left out");

    [Fact]
    public Task Langfuse_has_generations_that_repeat_what_was_said() => Becomes(
        """
        [{"id":"tr-1","name":"support","timestamp":"2024-05-01T10:00:00.000Z","userId":"u-1","sessionId":"s-1","tags":["beta"],"metadata":{"a":1},"input":"x","output":"y",
        "observations":[
        {"id":"g2","type":"GENERATION","startTime":"2024-05-01T10:00:05.000Z","endTime":"2024-05-01T10:00:06.500Z","model":"gpt-4o","input":[{"role":"system","content":"Be brief."},{"role":"user","content":"Rome?"},{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"Sun"}],"output":{"role":"assistant","content":"Sunny."},"usageDetails":{"input":20,"output":2,"total":22}},
        {"id":"s0","type":"SPAN","startTime":"2024-05-01T10:00:00.000Z","input":"x"},
        {"id":"g1","type":"GENERATION","startTime":"2024-05-01T10:00:01.000Z","endTime":"2024-05-01T10:00:02.000Z","model":"gpt-4o","input":{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Rome?"}]},"output":{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{}"}}]},"usage":{"input":10,"output":5}}],
        "scores":[{"name":"user-feedback","value":1,"dataType":"NUMERIC","comment":"Good"},{"name":"toxicity","value":0.2,"dataType":"NUMERIC"}]},
        {"id":"tr-2","name":"plain","timestamp":"2024-05-01T11:00:00.000Z","input":"Hi","output":"Hello","observations":[]}]
        """,
        """
        # support tags=["beta"] externalUserId=u-1 metadata={"source":"langfuse","traceId":"tr-1","sessionId":"s-1","metadata":{"a":1}} feedback=up Good
        system Be brief. createdAt=2024-05-01T10:00:01.000Z
        user Rome? createdAt=2024-05-01T10:00:01.000Z
        assistant toolCalls=[{"id":"c1","name":"weather","arguments":"{}"}] metadata={"observationId":"g1"} model=gpt-4o latencyMs=1000 promptTokens=10 completionTokens=5 createdAt=2024-05-01T10:00:02.000Z
        tool Sun toolCallId=c1 createdAt=2024-05-01T10:00:05.000Z
        assistant Sunny. metadata={"observationId":"g2"} model=gpt-4o latencyMs=1500 promptTokens=20 completionTokens=2 createdAt=2024-05-01T10:00:06.500Z
        # plain metadata={"source":"langfuse","traceId":"tr-2"}
        user Hi createdAt=2024-05-01T11:00:00.000Z
        assistant Hello metadata={"observationId":"tr-2"} createdAt=2024-05-01T11:00:00.000Z
        """,
        "langfuse");
}
