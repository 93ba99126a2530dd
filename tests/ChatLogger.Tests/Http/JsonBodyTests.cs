using System.Text;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Http;

/// <summary>Bodies that are nearly JSON, on the routes that read one value and on the batch, which cuts its items out by itself.</summary>
public class JsonBodyTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_byte_order_mark_is_ignored()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        var chat = (await plugin.Post($"{acme.ApiPath}/chats", Marked("""{"title":"marked"}"""))).Is(201);
        Assert.Equal("marked", chat.Text("title"));
        (await plugin.Post($"{acme.ApiPath}/batch", Marked("""{"items":[{"type":"chat","title":"marked"}]}"""))).Is(207);
        Assert.Equal(2, await acme.Count("chats"));

        // One, at the beginning; and half of one is not UTF-8.
        (await plugin.Post($"{acme.ApiPath}/chats", Marked("\uFEFF{}"))).IsInvalid("body");
        (await plugin.Post($"{acme.ApiPath}/chats", "{}\uFEFF")).IsInvalid("body");
        (await plugin.Post($"{acme.ApiPath}/chats", new byte[] { 0xEF, 0xBB, (byte)'{', (byte)'}' })).IsInvalid("body");
        (await plugin.Post($"{acme.ApiPath}/chats", Marked(""))).IsInvalid("body");
    }

    [Theory]
    [InlineData("", "The body is empty; a JSON object is expected.")]
    [InlineData(" \r\n\t", "The body is empty; a JSON object is expected.")]
    [InlineData("{\"title\":\"a\",}", "This is not valid JSON: see line 1, byte 14.")]
    [InlineData("{\n  \"title\": 'a'\n}", "This is not valid JSON: see line 2, byte 12.")]
    [InlineData("{\"title\":\"a\"", "This is not valid JSON: see line 1, byte 13.")]
    [InlineData("{\"metadata\":{\"a\":[1,2,,3]}}", "This is not valid JSON: see line 1, byte 23.")]
    [InlineData("{} {}", "This is not valid JSON: see line 1, byte 4.")]
    [InlineData("[]", "The body must be a JSON object.")]
    public async Task A_mistake_is_reported_with_its_position(string body, string sentence)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        foreach (var path in new[] { "chats", "batch" })
        {
            var answer = (await plugin.Post($"{acme.ApiPath}/{path}", body)).IsInvalid("body");
            Assert.Equal(sentence, answer["errors"].GetProperty("body")[0].GetString());
        }
        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Excessive_nesting_is_distinguished_from_malformed_JSON()
    {
        var acme = await app.Org("acme");

        var answer = (
            await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", $"{{\"metadata\":{new string('[', 100)}{new string(']', 100)}}}")
        ).IsInvalid("body");
        Assert.Equal("This nests deeper than 64 levels.", answer["errors"].GetProperty("body")[0].GetString());
    }

    private static byte[] Marked(string text) => [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)];
}
