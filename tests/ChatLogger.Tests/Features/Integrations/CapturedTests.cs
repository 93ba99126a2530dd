using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

/// <summary>
/// What SDKs of others have sent in three turns of one conversation (tests/integrations/capture.mjs made the files). Each turn repeats the
/// history; the user says "yes" twice.
/// </summary>
public class CapturedTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string[] Turns =
        ["user: Where is my order?", "assistant: answer 1", "user: yes", "assistant: answer 2", "user: yes", "assistant: answer 3"];

    [Theory]
    [InlineData("otel-json.json", "/v1/traces")]
    [InlineData("otel-protobuf-gzip.bin", "/v1/traces")]
    [InlineData("openllmetry.bin", "/otel/v1/traces")]
    [InlineData("openinference.bin", "/v1/traces")]
    [InlineData("ai-sdk.json", "/v1/traces")]
    [InlineData("ai-sdk-legacy.json", "/v1/traces")]
    [InlineData("langfuse-otel.json", "/api/public/otel/v1/traces")]
    public async Task Spans_of_an_SDK_become_one_conversation_however_often_they_are_sent(string file, string path)
    {
        var acme = await app.Org("acme");

        for (var time = 0; time < 2; time++)
        {
            var answer = await Send(acme, file, path);
            Assert.Equal(file.EndsWith(".json", StringComparison.Ordinal) ? "{}" : "", answer.Is(200).Body);
        }

        Assert.Equal(1, await acme.Count("chats"));
        var messages = await ReceiveTracesTests.Messages(acme, $"session-of-{Path.GetFileNameWithoutExtension(file)}-0001");
        Assert.Equal(["system: Be brief.", .. Turns], ReceiveTracesTests.Said(messages));
        Assert.All(messages.Where(message => message.GetProperty("role").GetString() == "assistant"), message =>
        {
            Assert.Equal("model-1", message.GetProperty("model").GetString());
            Assert.Equal((11, 22), (message.GetProperty("promptTokens").GetInt32(), message.GetProperty("completionTokens").GetInt32()));
        });
    }

    [Fact]
    public async Task Events_of_Langfuse_s_SDK_3_become_one_conversation_with_ratings()
    {
        var acme = await app.Org("acme");

        for (var time = 0; time < 2; time++)
            Assert.Equal(0, (await Send(acme, "langfuse-3.json", "/api/public/ingestion")).Is(207)["errors"].GetArrayLength());

        Assert.Equal(1, await acme.Count("chats"));
        var messages = await ReceiveTracesTests.Messages(acme, "session-of-langfuse-3-0001");
        Assert.Equal(["system: Be brief.", .. Turns], ReceiveTracesTests.Said(messages));
        Assert.Equal(3, messages.Count(message => message.GetProperty("feedback").ValueKind != System.Text.Json.JsonValueKind.Null));
    }

    [Fact]
    public async Task Events_of_Lunary_s_SDK_become_one_conversation_with_a_rating()
    {
        var acme = await app.Org("acme");

        for (var time = 0; time < 2; time++)
        {
            var results = (await Send(acme, "lunary.json", "/v1/runs/ingest")).Is(200)["results"];
            Assert.All(results.EnumerateArray(), result => Assert.True(result.GetProperty("success").GetBoolean()));
        }

        Assert.Equal(1, await acme.Count("chats"));
        var messages = await ReceiveTracesTests.Messages(acme, "session-of-lunary-0001");
        Assert.Equal(Turns, ReceiveTracesTests.Said(messages));
        Assert.Equal("up", messages[1].GetProperty("feedback").GetProperty("rating").GetString());
    }

    private static async Task<Answer> Send(Org org, string file, string path)
    {
        var body = await File.ReadAllBytesAsync(Path.Combine(
            Repository.Root, "tests", "ChatLogger.Tests", "Features", "Integrations", "Captured", file));
        var content = OtlpExports.Content(body, file.EndsWith(".json", StringComparison.Ordinal) ? "application/json" : OtlpBody.Protobuf);
        // The files grow old: a key that imports may send them at any time.
        return await org.App.Stranger.WithKey(await org.Key(KeyScope.Ingest, KeyScope.Import)).Send(HttpMethod.Post, path, content);
    }
}
