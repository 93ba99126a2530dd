using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Tests.Support;
using ChatLogger.Transcripts;
using FsCheck;
using FsCheck.Fluent;

namespace ChatLogger.Tests.Import;

/// <summary>A conversation of any texts, parts and tool calls is exported as it was logged, and again after an import.</summary>
public class RoundTripPropertyTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string[] Pieces =
    [
        "a", "Größe", " ", "\n", "\r\n", "\t", "\"", "\\", "/", "</script>", "'", "=1+1", "\u0001", "\u001f", "\u007f",
        "\u0085", "\u2028", "\u200e", "😀", "e\u0301", "\uFEFF", "\uFFFD", "data:image/png;base64,AAEC", "{\"a\":1}", "null",
        "%00", "\\u0000", "import:",
    ];

    private static readonly Gen<string> AnyText =
        from pieces in Gen.ListOf(Gen.Elements(Pieces)) select string.Concat(pieces.Take(12));

    // Not only white space: the service takes that for nothing.
    private static readonly Gen<string> AnyWords = from text in AnyText select $"w{text}";

    private static readonly Gen<JsonElement> AnyScalar = Gen.OneOf(
        from text in AnyText select JsonElement.Parse(JsonSerializer.Serialize(text)),
        Gen.Elements("0", "-0.0", "1.50", "1e5", "12345678901234567890", "0.1234567890123456789", "true", "false", "null")
            .Select(text => JsonElement.Parse(text)));

    private static readonly Gen<JsonElement> AnyPart =
        from type in Gen.Elements("text", "image_url", "input_audio", "thinking", "x y")
        from text in AnyWords
        from more in AnyObject(3)
        select JsonElement.Parse(JsonSerializer.Serialize(new { type, text, more }));

    private static readonly Gen<JsonElement> AnyCall =
        from id in Gen.Choose(1, 1000)
        from name in Gen.Elements("f", "weather.now", "größe", "a b")
        from text in AnyText
        from json in AnyObject(3)
        from isText in Gen.Elements(true, false)
        select JsonElement.Parse(JsonSerializer.Serialize(new { id = $"call_{id}", name, arguments = isText ? (object)text : json }));

    private static readonly Gen<Dictionary<string, object?>> AnyMessage =
        from role in Gen.Elements("user", "assistant", "assistant", "system", "developer", "tool", "function")
        from words in AnyWords
        from parts in Gen.ListOf(AnyPart)
        from calls in Gen.ListOf(AnyCall)
        from says in Gen.Choose(1, 7)
        from metadata in AnyObject(2)
        let hasParts = (says & 2) != 0 && parts.Count > 0
        let hasCalls = role == "assistant" && (says & 4) != 0 && calls.Count > 0
        let hasContent = (says & 1) != 0 || (!hasParts && !hasCalls)
        select new Dictionary<string, object?>
        {
            ["role"] = role,
            ["content"] = hasContent ? words : null,
            ["parts"] = hasParts ? parts.Take(6) : null,
            ["toolCalls"] = hasCalls ? calls.DistinctBy(call => call.Text("id")).Take(6) : null,
            ["toolCallId"] = role is "tool" or "function" && says % 2 == 0 ? "call_1" : null,
            ["metadata"] = metadata,
        };

    [Fact]
    public void Any_conversation_is_equal_after_an_export_and_an_import() =>
        Prop.ForAll(
                (from messages in Gen.ListOf(AnyMessage) select messages.Take(20).ToList()).ToArbitrary(),
                messages => Check(messages).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(TestLength.Cases(inShort: 10, inLong: 40)));

    private static Gen<JsonElement> AnyObject(int depth) =>
        from members in Gen.ListOf(
            from name in Gen.Elements("n", "ü", "a b", "\"", "type", "text")
            from value in depth == 0 ? AnyScalar : Gen.OneOf(AnyScalar, AnyObject(depth - 1), AnyArray(depth - 1))
            select (name, value))
        select JsonElement.Parse(JsonSerializer.Serialize(
            members.Take(3).DistinctBy(member => member.name).ToDictionary(member => member.name, member => member.value)));

    private static Gen<JsonElement> AnyArray(int depth) =>
        from elements in Gen.ListOf(depth == 0 ? AnyScalar : Gen.OneOf(AnyScalar, AnyObject(depth - 1)))
        select JsonElement.Parse(JsonSerializer.Serialize(elements.Take(3)));

    private async Task Check(List<Dictionary<string, object?>> messages)
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var items = new List<object> { new { type = "chat", @ref = "c" } };
        items.AddRange(messages.Select(message => new Dictionary<string, object?>(message) { ["type"] = "message", ["chatRef"] = "c" }));
        var answer = (await (await acme.Plugin()).Post($"{acme.ApiPath}/batch", new { items })).Is(207);
        Assert.All(answer["results"].EnumerateArray(), result => Assert.True(result.Count("status") == 201, result.GetRawText()));

        var exported = await Imports.Export(await acme.Admin());
        var stored = JsonElement.Parse(exported).Elements("messages").ToList();
        Assert.Equal(messages.Count, stored.Count);
        foreach (var (said, kept) in messages.Zip(stored))
        {
            var logged = JsonElement.Parse(JsonSerializer.Serialize(said));
            Assert.Equal(logged.Text("content"), kept.Text("content"));
            foreach (var member in new[] { "role", "parts", "toolCalls", "toolCallId", "metadata" })
            {
                Assert.True(
                    JsonElement.DeepEquals(logged.GetProperty(member), kept.GetProperty(member)),
                    $"{member}: {logged.GetProperty(member)} became {kept.GetProperty(member)}");
            }
        }

        using var imports = new Imports();
        var outcome = await imports.Run(globex, app.Http, await globex.Key(KeyScope.Ingest, KeyScope.Import), exported);

        Assert.True(outcome.Counts.Refused == 0, outcome.Report);
        Assert.Equal(Imports.WithoutIds(exported), Imports.WithoutIds(await Imports.Export(await globex.Admin())));
    }
}
