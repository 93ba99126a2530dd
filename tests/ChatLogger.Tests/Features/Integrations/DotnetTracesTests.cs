using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Connectors.OpenAI;
using OpenAI;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>.NET programs that have OpenTelemetry and nothing of ours: its exporter over HTTP, and a model that is scripted.</summary>
public class DotnetTracesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string[] Questions = ["Where is my order?", "yes", "yes"];

    private static readonly string[] Conversation =
    [
        "system: Be brief.", "user: Where is my order?", "assistant: Answer 1.", "user: yes", "assistant: Answer 2.", "user: yes",
        "assistant: Answer 3.",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Microsoft_Extensions_AI_with_sensitive_data(bool streaming)
    {
        var acme = await app.Org("acme");
        var conversation = $"extensions-ai-{streaming}";
        var source = $"test-{Guid.NewGuid():N}";
        using (var provider = Exporting(acme, await acme.Key(), source))
        {
            var client = new ChatClientBuilder(new Script())
                .UseOpenTelemetry(sourceName: source, configure: telemetry => telemetry.EnableSensitiveData = true)
                .Build();
            var options = new ChatOptions { Instructions = "Be brief.", ConversationId = conversation };
            var history = new List<ChatMessage>();
            foreach (var question in Questions)
            {
                history.Add(new(ChatRole.User, question));
                var answer = streaming
                    ? await client.GetStreamingResponseAsync(history, options).ToChatResponseAsync()
                    : await client.GetResponseAsync(history, options);
                history.AddRange(answer.Messages);
            }
        }

        await IsStored(acme, conversation);
    }

    [Fact]
    public async Task Semantic_Kernel_with_sensitive_data()
    {
        AppContext.SetSwitch("Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive", true);
        var acme = await app.Org("acme");
        var turns = new ActivitySource($"test-{Guid.NewGuid():N}");
        using (var provider = Exporting(acme, await acme.Key(), turns.Name, "Microsoft.SemanticKernel*"))
        {
            using var http = new HttpClient(new Model());
            var model = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions
            {
                Endpoint = new Uri("http://model.test/v1"),
                Transport = new HttpClientPipelineTransport(http),
            });
            var kernel = new OpenAIChatCompletionService("m-1", model);
            var history = new ChatHistory("Be brief.");
            foreach (var question in Questions)
            {
                // Semantic Kernel knows no conversations: the program's own span names it.
                using var turn = turns.StartActivity("turn");
                turn!.SetTag("session.id", "semantic-kernel");
                history.AddUserMessage(question);
                history.AddRange(await kernel.GetChatMessageContentsAsync(history));
            }
        }

        await IsStored(acme, "semantic-kernel");
    }

    // Disposing the provider sends what is left.
    private static TracerProvider Exporting(Org org, string key, params string[] sources) => Sdk.CreateTracerProviderBuilder()
        .AddSource(sources)
        .AddOtlpExporter(exporter =>
        {
            exporter.Endpoint = new Uri(org.App.Address, "v1/traces");
            exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
            exporter.Headers = $"x-organization-api-key={key}";
            exporter.TimeoutMilliseconds = 60_000;
        })
        .Build();

    private static async Task IsStored(Org acme, string conversation)
    {
        Assert.Equal(1, await acme.Count("chats"));
        var messages = await ReceiveTracesTests.Messages(acme, conversation);
        Assert.Equal(Conversation, ReceiveTracesTests.Said(messages));
        Assert.All(messages.Where(message => message.GetProperty("role").GetString() == "assistant"), message => Assert.Equal(
            ("m-1", 11, 22),
            (message.GetProperty("model").GetString(), message.GetProperty("promptTokens").GetInt32(),
                message.GetProperty("completionTokens").GetInt32())));
    }

    private static string Answer(int turn) => $"Answer {turn}.";

    /// <summary>Answers the nth question.</summary>
    private sealed class Script : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken ct) =>
            Task.FromResult(new ChatResponse(new ChatMessage(
                ChatRole.Assistant, Answer(messages.Count(message => message.Role == ChatRole.User))))
            {
                ModelId = "m-1",
                ConversationId = options?.ConversationId,
                Usage = new UsageDetails { InputTokenCount = 11, OutputTokenCount = 22 },
            });

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
        {
            foreach (var update in (await GetResponseAsync(messages, options, ct)).ToChatResponseUpdates())
                yield return update;
        }

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose()
        {
        }
    }

    /// <summary>The API of a model, as the package of OpenAI calls it.</summary>
    private sealed class Model : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
        {
            var asked = JsonElement.Parse(await request.Content!.ReadAsStringAsync(ct)).GetProperty("messages");
            var turn = asked.EnumerateArray().Count(message => message.GetProperty("role").GetString() == "user");
            var answer = new JsonObject
            {
                ["id"] = $"chatcmpl-{turn}",
                ["object"] = "chat.completion",
                ["created"] = 1_764_000_000,
                ["model"] = "m-1",
                ["choices"] = new JsonArray(new JsonObject
                {
                    ["index"] = 0,
                    ["finish_reason"] = "stop",
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = Answer(turn) },
                }),
                ["usage"] = new JsonObject { ["prompt_tokens"] = 11, ["completion_tokens"] = 22, ["total_tokens"] = 33 },
            };
            return new(HttpStatusCode.OK) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
        }
    }
}
