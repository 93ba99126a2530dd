using System.Text;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>What cannot be stored as text is refused wherever it stands; everything else comes back as it was.</summary>
public partial class TextTests(UnthrottledApp app) : IClassFixture<UnthrottledApp>
{
    // Where text can stand in a body: § is the place.
    private static readonly string[] Metadata =
    [
        """{"metadata":{"k":"§"}}""",
        """{"metadata":{"§":1}}""",
        """{"metadata":{"a":[{"b":["x","§"]}]}}""",
        """{"metadata":{"a":{"b":[{"§":{}}]}}}""",
        """{"metadata":"§"}""",
        """{"metadata":["§"]}""",
    ];

    private static readonly string[] Unknown =
    [
        """{"§":1}""",
        """{"unknown":"§"}""",
        """{"unknown":{"a":[{"§":["§"]}]}}""",
        "\"§\"",
        "[\"§\"]",
    ];

    private static readonly string[] Chat =
    [
        """{"title":"§"}""",
        """{"tags":["ok","§"]}""",
        """{"externalUserId":"§"}""",
        """{"userId":"§"}""",
        .. Metadata,
        .. Unknown,
    ];

    private static readonly string[] Message =
    [
        """{"role":"user","content":"§"}""", """{"role":"§","content":"a"}""", """{"role":"user","content":"a","model":"§"}""",
        """{"role":"user","content":"a","latencyMs":"§"}""", """{"role":"user","content":"a","name":"§"}""",
        """{"role":"tool","content":"a","toolCallId":"§"}""", """{"role":"user","parts":[{"type":"text","text":"§"}]}""",
        """{"role":"user","parts":[{"type":"§"}]}""", """{"role":"user","parts":[{"type":"x","a":{"§":[]}}]}""",
        """{"role":"assistant","toolCalls":[{"id":"§","name":"a","arguments":""}]}""",
        """{"role":"assistant","toolCalls":[{"id":"a","name":"§","arguments":""}]}""",
        """{"role":"assistant","toolCalls":[{"id":"a","name":"a","arguments":"§"}]}""",
        """{"role":"assistant","toolCalls":[{"id":"a","name":"a","arguments":{"a":["§"]}}]}""",
        """{"role":"assistant","toolCalls":[{"id":"a","name":"a","arguments":{"§":1}}]}""",
        .. Metadata.Concat(Unknown).Where(body => body.StartsWith('{')).Select(body => """{"role":"user","content":"a",""" + body[1..]),
    ];

    private static readonly string[] LogIn =
    [
        """{"email":"§","password":"correct horse battery"}""", """{"email":"a@b.example","password":"§"}""",
        """{"email":"a@b.example","password":"p","§":1}""", .. Unknown,
    ];

    private static readonly string[] Profile =
    [
        """{"name":"§"}""", """{"email":"§","currentPassword":"correct horse battery"}""", """{"name":"new","currentPassword":"§"}""",
        """{"newPassword":"correct horse battery §","currentPassword":"correct horse battery"}""", .. Unknown,
    ];

    private static readonly string[] Key =
    [
        """{"label":"§"}""", """{"label":"a","scopes":["§"]}""", """{"label":"a","allowedOrigins":["https://§.example"]}""",
        """{"label":"a","expiresAt":"§"}""", .. Unknown,
    ];

    /// <summary>Invalid text, as it would stand between the quotes of a JSON string.</summary>
    private static readonly byte[][] NotText =
    [
        [0],
        .. new[]
        {
            @"\u0000",
            @"a\u0000b",
            @"\\\u0000",
            @"\ud800",
            @"\uDBFF",
            @"\udc00",
            @"\uDFFF",
            @"\ude00\ud83d",
            @"\ud83d\ud83d",
            @"\ud83dx",
            @"\ud83d\u0041",
            @"\ud83d\n",
            @"\uD83D\\uDE00",
        }.Select(Encoding.ASCII.GetBytes),
        [0xff],
        [0x80],
        [0xc3],
        [0xc0, 0x80],
        [0xc1, 0xbf],
        [0xe0, 0x80, 0x80],
        [0xe0, 0x9f, 0xbf],
        [0xf0, 0x80, 0x80, 0x80],
        [0xed, 0xa0, 0x80],
        [0xed, 0xbf, 0xbf],
        [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xf8, 0x88, 0x80, 0x80, 0x80],
    ];

    [Fact]
    public async Task A_new_chat_with_invalid_text_is_refused()
    {
        var acme = await app.Org("acme");

        await Refuses(await acme.Plugin(), HttpMethod.Post, $"{acme.ApiPath}/chats", Chat);

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_message_with_invalid_text_is_refused()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        await Refuses(await acme.Plugin(), HttpMethod.Post, $"{acme.ApiPath}/chats/{chat}/messages", Message);

        Assert.Equal(0, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_login_with_invalid_text_is_refused()
    {
        await Refuses(app.Stranger, HttpMethod.Post, "/auth/login", LogIn);
    }

    [Fact]
    public async Task A_profile_with_invalid_text_is_refused()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("viewer");

        await Refuses(member.Caller, HttpMethod.Patch, "/users/me", Profile);

        Assert.Equal("viewer", (await member.Caller.Get("/users/me")).Is(200).Text("name"));
        await app.LogIn(member.Email);
    }

    [Fact]
    public async Task A_key_with_invalid_text_is_refused()
    {
        var acme = await app.Org("acme");

        await Refuses(await acme.Admin(), HttpMethod.Post, "/orgs/me/apikeys", Key);

        Assert.Equal(0, await acme.Count("api_keys"));
    }

    private static async Task Refuses(Caller caller, HttpMethod method, string path, string[] bodies)
    {
        foreach (var body in bodies)
        {
            foreach (var text in NotText)
            {
                var sent = Insert(body, text);
                var answer = await caller.Send(method, path, sent);
                Assert.True(answer.Status == 400, $"{answer.Status} for {body} with {Convert.ToHexString(text)}: {answer.Body}");
                Assert.NotEmpty(answer.IsProblem(400, "validation")["errors"].EnumerateObject());
            }
        }
        // A byte order mark is no part of JSON text (RFC 8259, 8.1).
        // A byte order mark is accepted only at the beginning.
        (await caller.Send(method, path, (byte[])[.. "{}"u8, 0xef, 0xbb, 0xbf])).IsInvalid("body");
    }

    private static byte[] Insert(string body, byte[] text)
    {
        var parts = body.Split('§');
        return [.. parts.SelectMany((part, i) => i == 0 ? Encoding.UTF8.GetBytes(part) : [.. text, .. Encoding.UTF8.GetBytes(part)])];
    }
}
