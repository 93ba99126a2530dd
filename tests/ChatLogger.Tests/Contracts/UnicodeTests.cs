using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

public class UnicodeTests(UnthrottledApp app) : IClassFixture<UnthrottledApp>
{
    /// <summary>
    /// Controls, line ends of all kinds, marks that a normalization would merge, non-characters, and both ends of every plane.
    /// </summary>
    private static readonly string Everything = string.Concat(
        Enumerable
            .Range(1, 0x1f)
            .Concat(Enumerable.Range(0x7f, 0x21))
            .Select(char.ConvertFromUtf32)
            .Concat([
                "\r\n",
                "\"",
                "\\",
                "/",
                "'",
                "<>&",
                "\ufeff",
                "\ufffe",
                "\uffff",
                "\ufdd0",
                "\ufffd",
                "\u2028",
                "\u2029",
                "\u00a0",
                "\u200b",
                "\u200d",
                "\u202e",
                "e\u0301",
                "\u00e9",
                "\u212b",
                "\u1112\u1161\u11ab",
                "\u0323\u0307q\u0307\u0323",
                "ß",
                "İı",
                "\ue000",
                "👩‍👩‍👧",
                "$1",
                "{0}",
                "%s",
                "\\u0000",
            ])
            .Concat(
                Enumerable
                    .Range(1, 16)
                    .SelectMany(plane => new[] { char.ConvertFromUtf32(plane << 16), char.ConvertFromUtf32((plane << 16) + 0xffff) })));

    public static TheoryData<int> Chunks => [.. Enumerable.Range(0, (Everything.EnumerateRunes().Count() + 59) / 60)];

    private static string Chunk(int number) => string.Concat(Everything.EnumerateRunes().Skip(number * 60).Take(60));

    [Theory]
    [MemberData(nameof(Chunks))]
    public async Task Every_storable_text_is_returned_unchanged(int chunk)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var plugin = await acme.Plugin();
        // Tags are trimmed, and no value may be only white space.
        var text = "a" + Chunk(chunk) + "z";
        var metadata = new Dictionary<string, object>
        {
            [text] = text,
            ["deep"] = new object[] { new Dictionary<string, string> { [text] = text } },
        };

        var chat = await plugin.Post($"{acme.ApiPath}/chats", new { title = text, tags = new[] { text }, metadata, externalUserId = text });
        var id = chat.Is(201).Text("id");
        var message = await plugin.Post(
            $"{acme.ApiPath}/chats/{id}/messages",
            new
            {
                role = "user",
                content = text,
                metadata,
                model = text,
            });
        message.Is(201);

        foreach (
            var read in new[]
            {
                chat.Json,
                (await viewer.Get($"/orgs/me/chats/{id}")).Is(200).Json,
                Only((await viewer.Get("/orgs/me/chats")).Is(200)),
            })
        {
            Assert.Equal(text, read.GetProperty("title").GetString());
            Assert.Equal(text, read.GetProperty("tags")[0].GetString());
            Assert.Equal(text, read.GetProperty("externalUserId").GetString());
            IsIn(read.GetProperty("metadata"), text);
        }
        Assert.Equal(text, Only(await viewer.Get("/orgs/me/chats")).GetProperty("preview").GetString());
        foreach (var read in new[] { message.Json, Only((await viewer.Get($"/orgs/me/chats/{id}/messages")).Is(200)) })
        {
            Assert.Equal(text, read.GetProperty("content").GetString());
            Assert.Equal(text, read.GetProperty("model").GetString());
            IsIn(read.GetProperty("metadata"), text);
        }
    }

    [Fact]
    public async Task Escapes_stand_for_their_characters_in_either_case()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();

        var answer = await plugin.Post(
            $"{acme.ApiPath}/chats",
            """{"title":"\uD83D\uDE00\ud83d\ude00 \\u0000 \\\\ud800 \u00E9","metadata":{"\uD83D\uDE00":"\u00e9\\ud800"}}"""
        );

        Assert.Equal("😀😀 \\u0000 \\\\ud800 é", answer.Is(201).Text("title"));
        Assert.Equal("é\\ud800", answer["metadata"].GetProperty("😀").GetString());
    }

    [Fact]
    public async Task A_name_a_label_and_an_address_are_any_text()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        for (var chunk = 0; chunk < Chunks.Count; chunk++)
        {
            var text = "a" + Chunk(chunk) + "z";
            Assert.Equal(text, (await admin.Caller.Patch("/users/me", new { name = text })).Is(200).Text("name"));
            Assert.Equal(text, (await admin.Caller.Get("/users/me")).Is(200).Text("name"));
            Assert.Equal(text, (await admin.Caller.Post("/orgs/me/apikeys", new { label = text })).Is(201).Text("label"));
            Assert.Equal(text, (await admin.Caller.Get("/orgs/me/apikeys?limit=1")).Is(200)["items"][0].GetProperty("label").GetString());
        }
    }

    [Fact]
    public async Task Any_text_as_address_or_password_is_a_failed_login()
    {
        foreach (var rune in Everything.EnumerateRunes())
        {
            (await app.Stranger.Post("/auth/login", new { email = $"a{rune}b@acme.example", password = $"p{rune}" })).IsProblem(
                401,
                "unauthenticated");
        }
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", 201)]
    [InlineData("application/json; charset=\"utf-8\"", 201)]
    [InlineData("application/json;charset=UTF-8", 201)]
    [InlineData("application/json; charset=utf8", 201)]
    [InlineData("application/json; charset=\"UTF8\"", 201)]
    [InlineData("APPLICATION/JSON", 201)]
    [InlineData("application/json; charset=bogus", 415)]
    [InlineData("application/json; charset=utf-16", 415)]
    [InlineData("application/json; charset=\"\"", 415)]
    [InlineData("application/json; charset=", 415)]
    [InlineData("application/json; charset=iso-8859-1", 415)]
    [InlineData("application/json; charset=utf-7", 415)]
    [InlineData("application/merge-patch+json", 415)]
    [InlineData("application/*", 415)]
    [InlineData("*/*", 415)]
    [InlineData("junk", 415)]
    public async Task A_body_is_JSON_in_UTF8_and_says_so(string contentType, int status)
    {
        var acme = await app.Org("acme");
        var content = new ByteArrayContent("{}"u8.ToArray());
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);

        var answer = await (await acme.Plugin()).Send(HttpMethod.Post, $"{acme.ApiPath}/chats", content, _ => { });

        answer.Is(status);
        if (status == 415)
            answer.IsProblem(415, "unsupported-media-type");
        Assert.Equal(status == 201 ? 1 : 0, await acme.Count("chats"));
    }

    [Fact]
    public async Task An_answer_is_UTF8_without_a_byte_order_mark()
    {
        var acme = await app.Org("acme");
        var content = new ByteArrayContent("{\"title\":\"ä\"}"u8.ToArray())
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{acme.ApiPath}/chats") { Content = content };
        request.Headers.Add("x-organization-api-key", (await acme.Plugin()).Credential);

        using var response = await app.Http.SendAsync(request);

        var bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal((byte)'{', bytes[0]);
        Assert.Contains("\"title\":\"ä", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
    }

    private static JsonElement Only(Answer page) => Assert.Single(page["items"].EnumerateArray());

    private static void IsIn(JsonElement metadata, string text)
    {
        Assert.Equal(text, metadata.GetProperty(text).GetString());
        Assert.Equal(text, metadata.GetProperty("deep")[0].GetProperty(text).GetString());
    }
}
