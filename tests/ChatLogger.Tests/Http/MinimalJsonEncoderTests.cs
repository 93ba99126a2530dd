using System.Text;
using System.Text.Json;
using ChatLogger.Telemetry.Logs;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Http;

public class MinimalJsonEncoderTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = MinimalJsonEncoder.Instance };

    [Fact]
    public void Every_character_is_itself_or_is_read_back_as_itself()
    {
        foreach (
            var rune in Enumerable
                .Range(0, 0x110000)
                .Where(Rune.IsValid)
                .Where(code => code < 0x3000 || code % 97 == 0)
                .Select(code => new Rune(code)))
        {
            var text = $"a{rune}b{rune}";
            var json = JsonSerializer.Serialize(text, Options);
            Assert.Equal(text, JsonSerializer.Deserialize<string>(json));
            Assert.Equal(rune.Value is < 0x20 or 0x7F or '"' or '\\', json != $"\"{text}\"");
            Assert.Equal(json, Encoding.UTF8.GetString(Utf8(text)));
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        foreach (var text in new[] { "\uD83D", "\uDE00", "a\uD83Db", "😀\uD83D\"" })
        {
            var read = JsonSerializer.Deserialize<string>(JsonSerializer.Serialize(text, Options))!;

            Assert.Contains('\uFFFD', read);
            Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), read);
        }
    }

    [Fact]
    public void The_longest_escape_fits_and_the_shortest_is_taken() =>
        Assert.Equal(
            "\"\\u0000\\u001f\\u007f\\n\\r\\t\\b\\f\\\"\\\\/<>&'+é\u2028😀\"",
            JsonSerializer.Serialize("\u0000\u001f\u007f\n\r\t\b\f\"\\/<>&'+é\u2028😀", Options));

    [Fact]
    public async Task An_answer_says_an_emoji_as_it_was_sent()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        const string said = "😀 👩‍👩‍👧 \u2028 <b>&";

        var chat = (
            await plugin.Post($"{acme.ApiPath}/chats", new { title = said, metadata = new Dictionary<string, string> { [said] = said } })
        ).Is(201);
        Assert.Contains($"\"title\":\"{said}\"", chat.Body, StringComparison.Ordinal);
        var message = (await plugin.Post($"{acme.ApiPath}/chats/{chat.Text("id")}/messages", new { role = "user", content = said })).Is(
            201);
        Assert.Contains($"\"content\":\"{said}\"", message.Body, StringComparison.Ordinal);
        Assert.Contains(
            $"\"content\":\"{said}\"",
            (await (await acme.Admin()).Get($"/orgs/me/chats/{chat.Text("id")}/messages")).Is(200).Body,
            StringComparison.Ordinal);
    }

    private static byte[] Utf8(string text)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = MinimalJsonEncoder.Instance }))
            json.WriteStringValue(Encoding.UTF8.GetBytes(text));
        return buffer.ToArray();
    }
}
