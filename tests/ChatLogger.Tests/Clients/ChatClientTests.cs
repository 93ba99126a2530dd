using System.Security.Cryptography;
using ChatLogger.Extensions.AI;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.AI;

namespace ChatLogger.Tests.Clients;

/// <summary>The package ChatLogger.Extensions.AI, a model that is scripted, and the real service.</summary>
public class ChatClientTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task Turns_of_a_conversation_with_a_tool_and_a_stream_are_logged_once()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var chat = logger.Chat();
        var model = new Script(
            Answer(new FunctionCallContent("call-1", "track", new Dictionary<string, object?> { ["order"] = 4 })),
            Answer(new TextContent("In Oslo.")),
            Answer(new TextContent("You are welcome.")));
        var client = new ChatClientBuilder(model)
            .UseChatLogger(logger)
            .UseFunctionInvocation()
            .Build();
        var options = new ChatOptions
        {
            Instructions = "Be kind.",
            Tools = [AIFunctionFactory.Create((int order) => $"{order} is in Oslo", "track")],
        };
        List<ChatMessage> history = [new(ChatRole.User, "Where is it?")];
        using (ChatLoggerScope.Begin(chat))
        {
            history.AddRange((await client.GetResponseAsync(history, options)).Messages);
            history.Add(new(ChatRole.User, "Thanks"));
            var said = "";
            await foreach (var update in client.GetStreamingResponseAsync(history, options))
                said += update.Text;
            Assert.Equal("You are welcome.", said);
        }
        Assert.Null(ChatLoggerScope.Current);

        Assert.True(await logger.FlushAsync());
        Assert.Empty(acme.Errors);
        Assert.Equal(
            ["system: Be kind.", "user: Where is it?", "assistant: ", "tool: 4 is in Oslo", "assistant: In Oslo.", "user: Thanks",
                "assistant: You are welcome."],
            await acme.Said(chat));
        var messages = await acme.Messages(chat.Id);
        Assert.Equal("""[{"id":"call-1","name":"track","arguments":{"order":4}}]""", messages[2].GetProperty("toolCalls").GetRawText());
        Assert.Equal("call-1", messages[3].GetProperty("toolCallId").GetString());
        // The log is outside of the invocation of functions, where the tokens of both calls of the model are one answer's.
        Assert.Equal(
            ("m-1", 10, 4, 7),
            (messages[4].GetProperty("model").GetString(), messages[4].GetProperty("promptTokens").GetInt32(),
                messages[4].GetProperty("completionTokens").GetInt32(), messages[6].GetProperty("tokenCount").GetInt32()));
        Assert.True(messages[6].GetProperty("latencyMs").GetInt32() >= 0);
    }

    [Fact]
    public async Task The_chat_is_that_of_the_conversation_id_or_of_the_list_of_messages()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var byList = new ChatClientBuilder(new Script(Answer(new TextContent("One")), Answer(new TextContent("Two"))))
            .UseChatLogger(logger)
            .Build();
        List<ChatMessage> history = [new(ChatRole.User, "First")];
        history.AddRange((await byList.GetResponseAsync(history)).Messages);
        history.Add(new(ChatRole.User, "Second"));
        await byList.GetResponseAsync(history);

        var named = new ChatClientBuilder(new Script(Answer(new TextContent("Three")))).UseChatLogger(logger).Build();
        await named.GetResponseAsync("Third", new ChatOptions { ConversationId = "conversation-1" });
        // As another process would: it sends the history, which was logged before.
        var other = new ChatClientBuilder(new Script(Answer(new TextContent("Five")))).UseChatLogger(logger).Build();
        await other.GetResponseAsync(
            [new(ChatRole.User, "Third"), new(ChatRole.Assistant, "Three"), new(ChatRole.User, "Fourth")],
            new ChatOptions { ConversationId = "conversation-1" });

        Assert.True(await logger.FlushAsync());
        var chats = await acme.Chats();
        Assert.Equal([4, 4], chats.Select(chat => chat.GetProperty("messageCount").GetInt32()));
        var conversation = chats.Single(chat => chat.GetProperty("externalId").GetString() == "conversation-1");
        Assert.Equal(
            ["Third", "Three", "Fourth", "Five"],
            (await acme.Messages(conversation.GetProperty("id").GetGuid())).Select(message => message.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task An_error_of_the_model_stays_and_one_of_the_log_does_not_reach_it()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var chat = logger.Chat();
        var model = new Script(
            null, Answer(new TextContent("Fine")), Answer(new TextContent("Half of it"), new TextContent(" and the rest")));
        var client = new ChatClientBuilder(model).UseChatLogger(logger, (_, _) => chat).Build();
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync("Hello"));
        var broken = new ChatClientBuilder(model).UseChatLogger(logger, (_, _) => throw new FormatException()).Build();
        Assert.Equal("Fine", (await broken.GetResponseAsync("Hello")).Text);
        await foreach (var update in client.GetStreamingResponseAsync("Again"))
        {
            Assert.Equal("Half of it", update.Text);
            break;
        }
        Assert.True(await logger.FlushAsync());
        Assert.Equal(["user: Hello", "user: Again", "assistant: Half of it"], await acme.Said(chat));
    }

    [Fact]
    public async Task A_file_is_logged_as_its_type_size_and_hash_beside_the_text()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var chat = logger.Chat();
        var client = new ChatClientBuilder(new Script(Answer(new TextContent("A cat.")))).UseChatLogger(logger, (_, _) => chat).Build();
        await client.GetResponseAsync(
            [new(ChatRole.User, [new TextContent("What is it?"), new DataContent(new byte[3], "image/png")])]);
        Assert.True(await logger.FlushAsync());
        Assert.Equal(
            """
            [{"type":"text","text":"What is it?"},{"type":"image","mediaType":"image/png","bytes":3,"sha256":"HASH"}]
            """.Replace("HASH", Convert.ToHexStringLower(SHA256.HashData(new byte[3])), StringComparison.Ordinal),
            (await acme.Messages(chat.Id))[0].GetProperty("parts").GetRawText());
    }

    private static ChatResponse Answer(params AIContent[] contents) =>
        new(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = "m-1",
            // New for each answer: a client that sums the usage of several answers changes the object.
            Usage = new() { InputTokenCount = 5, OutputTokenCount = 2, TotalTokenCount = 7 },
        };

    /// <summary>A model that says what is written down; null: it fails.</summary>
    private sealed class Script(params ChatResponse?[] answers) : IChatClient
    {
        private readonly Queue<ChatResponse?> _answers = new(answers);

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(_answers.Dequeue() ?? throw new InvalidOperationException("The model is away."));

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var answer = await GetResponseAsync(messages, options, cancellationToken);
            foreach (var content in answer.Messages[0].Contents)
                yield return new(ChatRole.Assistant, [content]) { ModelId = answer.ModelId };
            yield return new(ChatRole.Assistant, [new UsageContent(answer.Usage!)]);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
