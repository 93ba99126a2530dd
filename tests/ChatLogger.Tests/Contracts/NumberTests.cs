using System.Text;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>Numbers come back to the last digit and cannot grow; limits apply to the last byte, key and level.</summary>
public class NumberTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-0.0")]
    [InlineData("1.10")]
    [InlineData("1E5")]
    [InlineData("1e+5")]
    [InlineData("1e308")]
    [InlineData("1.7976931348623157e308")]
    [InlineData("1e-320")]
    [InlineData("1e-400")]
    [InlineData("5e-324")]
    [InlineData("0.1000000000000000055511151231257827021181583404541015625")]
    [InlineData("12345678901234567890123")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234")]
    [InlineData("9007199254740993")]
    public async Task A_number_is_returned_as_it_was_written(string number)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        var metadata = $$"""{"n":{{number}},"a":[{{number}},{"n":{{number}}}]}""";

        var chat = (await plugin.Post($"{acme.ApiPath}/chats", With(metadata))).Is(201);
        var id = chat.Text("id");
        var message = (
            await plugin.Post($"{acme.ApiPath}/chats/{id}/messages", $$"""{"role":"user","content":"a","metadata":{{metadata}}}""")
        ).Is(201);

        Assert.Equal(metadata, chat["metadata"].GetRawText());
        Assert.Equal(metadata, message["metadata"].GetRawText());
        Assert.Equal(metadata, (await viewer.Get($"/orgs/me/chats/{id}"))["metadata"].GetRawText());
        Assert.Equal(metadata, (await viewer.Get("/orgs/me/chats"))["items"][0].GetProperty("metadata").GetRawText());
        Assert.Equal(metadata, (await viewer.Get($"/orgs/me/chats/{id}/messages"))["items"][0].GetProperty("metadata").GetRawText());
    }

    [Theory]
    [InlineData("1e309")]
    [InlineData("-1e309")]
    [InlineData("1e131071")]
    [InlineData("1e999999999999")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    [InlineData("0.123456789012345678901234567890123456789012345678901234567890123")]
    public async Task A_number_outside_the_range_of_a_double_or_too_long_is_refused(string number)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        (await plugin.Post($"{acme.ApiPath}/chats", With("{\"a\":[{\"n\":" + number + "}]}"))).IsInvalid("metadata");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Theory]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1e")]
    [InlineData("0x10")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-")]
    [InlineData("1_000")]
    public async Task Malformed_JSON_numbers_are_refused(string number)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();

        (await plugin.Post($"{acme.ApiPath}/chats", With("{\"n\":" + number + "}"))).IsProblem(400, "validation");
        (
            await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", $$"""{"role":"user","content":"a","latencyMs":{{number}}}""")
        ).IsProblem(400, "validation");

        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task Metadata_is_returned_no_larger_than_it_was_sent()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;

        var huge = With($$"""{"n":[{{string.Join(',', Enumerable.Repeat("1e131071", 500))}}]}""");
        (await plugin.Post($"{acme.ApiPath}/chats", huge)).IsInvalid("metadata");
        var large = $$"""{"n":[{{string.Join(',', Enumerable.Repeat("1e308", 2_700))}}]}""";
        var chat = (await plugin.Post($"{acme.ApiPath}/chats", With(large))).Is(201);
        var read = (await viewer.Get("/orgs/me/chats")).Is(200);

        Assert.Equal(large, chat["metadata"].GetRawText());
        Assert.InRange(read.Body.Length, large.Length, large.Length + 1_000);
    }

    [Fact]
    public async Task Metadata_nests_sixteen_deep_has_256_keys_of_128_characters_and_16_KiB()
    {
        var acme = await app.Org("acme");
        // The metadata object itself is the first level.
        string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth - 1)) + "{}" + new string('}', depth - 1);
        string Arrays(int depth) => "{\"a\":" + new string('[', depth - 1) + new string(']', depth - 1) + "}";
        string Keys(int count) => "{\"o\":{" + string.Join(',', Enumerable.Range(1, count - 1).Select(i => $"\"{i}\":0")) + "}}";
        string Key(int length) => "{\"" + string.Concat(Enumerable.Repeat("😀", length)) + "\":1}";
        string Bytes(int length) => "{ \"a\" : \"" + new string('ä', (length - 12) / 2) + new string('x', (length - 12) % 2) + "\" }";

        await HoldsTo(acme, Nested(16), Nested(17), "metadata");
        await HoldsTo(acme, Arrays(16), Arrays(17), "metadata");
        await HoldsTo(acme, Keys(256), Keys(257), "metadata");
        await HoldsTo(acme, Key(128), Key(129), "metadata");
        Assert.Equal(16_384, Encoding.UTF8.GetByteCount(Bytes(16_384)));
        await HoldsTo(acme, Bytes(16_384), Bytes(16_385), "metadata");
        Assert.Equal(5, await acme.Count("chats"));
    }

    [Theory]
    [InlineData("""{"a":1,"a":1}""")]
    [InlineData("""{"a":[{"b":{"c":1,"d":2,"c":null}}]}""")]
    [InlineData("""{"a":{"\u00e9":1,"é":2}}""")]
    [InlineData("""{"a":{"":1,"":2}}""")]
    public async Task The_same_key_twice_in_an_object_is_refused_however_deep(string metadata)
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", With(metadata))).IsInvalid("metadata");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Theory]
    [InlineData("[", "")]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "")]
    [InlineData("{\"metadata\":{\"a\":[[", "")]
    public async Task Bottomless_nesting_is_only_bad_JSON(string open, string close)
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var text = string.Concat(Enumerable.Repeat(open, 100_000 / open.Length)) + string.Concat(Enumerable.Repeat(close, 100_000));

        (await plugin.Post($"{acme.ApiPath}/chats", text)).IsInvalid("body");
        (await plugin.Post($"{acme.ApiPath}/chats", "{\"metadata\":{\"a\":" + text + "}}")).IsProblem(400, "validation");
        (await plugin.Post($"{acme.ApiPath}/chats", "{\"tags\":" + text + "}")).IsProblem(400, "validation");

        (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
    }

    [Theory]
    [InlineData("latencyMs", 86_400_000)]
    [InlineData("tokenCount", 10_000_000)]
    [InlineData("promptTokens", 10_000_000)]
    [InlineData("completionTokens", 10_000_000)]
    public async Task A_count_is_a_whole_number_within_its_limits(string member, int most)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();
        Task<Answer> Say(string value) =>
            plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", $$"""{"role":"user","content":"a","{{member}}":{{value}}}""");

        foreach (var good in new[] { 0, 1, most })
            Assert.Equal(good, (await Say($"{good}")).Is(201)[member].GetInt32());
        Assert.Equal("null", (await Say("null")).Is(201)[member].GetRawText());
        foreach (
            var bad in new[]
            {
                "-1",
                $"{most + 1}",
                "2147483648",
                "-2147483649",
                "9223372036854775808",
                "1e400",
                "1.0",
                "1e3",
                "1.5",
                "\"5\"",
                "\"\"",
                "true",
                "[]",
                "[1]",
                "{}",
            })
            (await Say(bad)).IsInvalid(member);

        Assert.Equal(4, await acme.Count("messages"));
    }

    [Fact]
    public async Task Content_has_at_most_262144_bytes_and_is_never_trimmed()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        Task<Answer> Say(string content) => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content });

        (await Say(new string('a', 262_144))).Is(201);
        (await Say(new string('a', 262_145))).IsInvalid("content");
        (await Say(string.Concat(Enumerable.Repeat("😀", 65_536)))).Is(201);
        (await Say(string.Concat(Enumerable.Repeat("😀", 65_536)) + "a")).IsInvalid("content");
        (await Say(new string('€', 87_381) + "a")).Is(201);
        (await Say(new string('€', 87_381) + "ä")).IsInvalid("content");
        foreach (var blank in new[] { "", " ", "\t\r\n", "\u00a0", "\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000", "\u0085\v\f" })
            (await Say(blank)).IsInvalid("content");
        var padded = " \r\n\u3000a\u2028\t\n";
        Assert.Equal(padded, (await Say(padded)).Is(201).Text("content"));

        Assert.Equal(4, await acme.Count("messages"));
        // More than one page: the cursor leads to the next.
        var contents = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await viewer.Get($"/orgs/me/chats/{chat}/messages{(cursor is null ? "" : $"?cursor={cursor}")}")).Is(200);
            contents.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("content").GetString()!));
            cursor = page["nextCursor"].GetString();
        }
        while (cursor is not null);
        Assert.Equal([262_144, 131_072, 87_382, padded.Length], contents.Select(content => content.Length));
        Assert.Equal(padded, contents[3]);
    }

    private static string With(string metadata) => $$"""{"metadata":{{metadata}}}""";

    private static async Task HoldsTo(Org org, string last, string tooMuch, string path)
    {
        var plugin = await org.Plugin();
        (await plugin.Post($"{org.ApiPath}/chats", With(last))).Is(201);
        (await plugin.Post($"{org.ApiPath}/chats", With(tooMuch))).IsInvalid(path);
    }
}
