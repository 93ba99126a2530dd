using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Auth;

namespace ChatLogger.Tests.Auth;

public class SessionTokensTests
{
    private const string Header = """{"alg":"HS256","typ":"session+jwt"}""";
    private static readonly byte[] Secret = "a secret of thirty-two bytes, at least"u8.ToArray();
    private static readonly byte[] Old = "another secret, the one before this one"u8.ToArray();
    private static readonly Guid Session = Guid.CreateVersion7();
    private static readonly Guid User = Guid.CreateVersion7();

    private readonly Clock _clock = new();

    private long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    [Fact]
    public void A_token_says_whose_and_which_session_it_is_and_nothing_of_rights()
    {
        var token = Tokens(Secret).Write(Session, User, _clock.GetUtcNow(), _clock.GetUtcNow().AddHours(1));

        Assert.Equal((Session, User), Tokens(Secret).Read(token));
        Assert.Equal(Header, Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[0])));
        using var payload = System.Text.Json.JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]));
        Assert.Equal(
            ["aud", "exp", "iat", "iss", "nbf", "sid", "sub"],
            payload.RootElement.EnumerateObject().Select(claim => claim.Name).Order());
        Assert.Equal((Session, User), Tokens(Secret).Read(Signed(Header, Payload())));
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"session+jwt"}""")]
    [InlineData("""{"alg":"None","typ":"session+jwt"}""")]
    [InlineData("""{"alg":"","typ":"session+jwt"}""")]
    [InlineData("""{"typ":"session+jwt"}""")]
    [InlineData("""{"alg":"HS512","typ":"session+jwt"}""")]
    [InlineData("""{"alg":"hs256","typ":"session+jwt"}""")]
    [InlineData("""{"alg":"RS256","typ":"session+jwt"}""")]
    [InlineData("""{"alg":"HS256","typ":"JWT"}""")]
    [InlineData("""{"alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","typ":""}""")]
    [InlineData("""{"alg":1,"typ":"session+jwt"}""")]
    [InlineData("""{"alg":["HS256"],"typ":"session+jwt"}""")]
    [InlineData("""{"alg":"HS256","typ":["session+jwt"]}""")]
    [InlineData("""{"alg":"HS256","typ":"session+jwt","crit":["exp"]""")]
    [InlineData("""{"alg":"HS256","typ":"session+jwt","crit":["exp"]}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"HS256\"")]
    [InlineData("""{"alg":"dir","enc":"A128CBC-HS256","typ":"session+jwt"}""")]
    public void Another_algorithm_or_type_is_refused_even_with_a_right_signature(string header)
    {
        Assert.Null(Tokens(Secret).Read(Signed(header, Payload())));
        Assert.Null(Tokens(Secret).Read(Signed(header, Payload())[..(Signed(header, Payload()).LastIndexOf('.') + 1)]));
        var key512 = HMACSHA512.HashData(Secret, Encoding.ASCII.GetBytes($"{Encode(header)}.{Encode(Payload())}"));
        Assert.Null(Tokens(Secret).Read($"{Encode(header)}.{Encode(Payload())}.{Base64Url.EncodeToString(key512)}"));
    }

    [Theory]
    [InlineData("iss")]
    [InlineData("aud")]
    [InlineData("sub")]
    [InlineData("sid")]
    [InlineData("iat")]
    [InlineData("nbf")]
    [InlineData("exp")]
    public void Every_claim_must_be_there_and_be_ours(string claim)
    {
        string[] wrong = claim is "iat" or "nbf" or "exp"
            ? claim == "iat" ? [] : ["\"x\"", "{}", "[]"]
            : ["\"other\"", "\"\"", "1", "{}", "[]", "null", $"\"{User:N}\"", $"\"{{{User:D}}}\""];

        Assert.Null(Tokens(Secret).Read(Signed(Header, Payload(claim, null))));
        foreach (var value in wrong)
            Assert.Null(Tokens(Secret).Read(Signed(Header, Payload(claim, value))));
    }

    [Fact]
    public void A_token_is_good_from_its_beginning_to_its_end_give_or_take_a_minute_of_our_clock()
    {
        var tokens = Tokens(Secret);
        var early = Signed(Header, Payload("nbf", $"{Now + 55}"));
        var tooEarly = Signed(Header, Payload("nbf", $"{Now + 65}"));
        var late = Signed(Header, Payload("exp", $"{Now - 55}"));
        var tooLate = Signed(Header, Payload("exp", $"{Now - 65}"));

        Assert.NotNull(tokens.Read(early));
        Assert.Null(tokens.Read(tooEarly));
        Assert.NotNull(tokens.Read(late));
        Assert.Null(tokens.Read(tooLate));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.NotNull(tokens.Read(tooEarly));
        Assert.Null(tokens.Read(late));
    }

    [Fact]
    public void The_previous_secret_is_accepted_and_no_longer_signs()
    {
        var before = Tokens(Old).Write(Session, User, _clock.GetUtcNow(), _clock.GetUtcNow().AddHours(1));
        var rotated = Tokens(Secret, Old);

        Assert.Equal((Session, User), rotated.Read(before));
        Assert.Null(Tokens(Secret).Read(before));
        var after = rotated.Write(Session, User, _clock.GetUtcNow(), _clock.GetUtcNow().AddHours(1));
        Assert.NotNull(Tokens(Secret).Read(after));
        Assert.Null(Tokens(Old).Read(after));
    }

    [Fact]
    public void A_changed_token_is_invalid()
    {
        var token = Signed(Header, Payload());
        var parts = token.Split('.');

        Assert.Null(Tokens(Secret).Read($"{parts[0]}.{Encode(Payload("sub", $"\"{Guid.NewGuid()}\""))}.{parts[2]}"));
        Assert.Null(Tokens(Secret).Read($"{parts[0]}.{parts[1]}."));
        Assert.Null(Tokens(Secret).Read($"{parts[0]}.{parts[1]}"));
        Assert.Null(Tokens(Secret).Read($"{parts[0]}.{parts[1]}.{parts[2]}.{parts[2]}.{parts[2]}"));
        Assert.Null(Tokens(Secret).Read($"{parts[0]}.{parts[1]}.{(parts[2][0] == 'A' ? 'B' : 'A')}{parts[2][1..]}"));
    }

    [Fact]
    public void Malformed_tokens_are_refused_without_an_exception()
    {
        string[] junk =
        [
            "",
            " ",
            ".",
            "..",
            "...",
            "....",
            "a.b.c",
            "a.b.c.d.e",
            "\0",
            "é",
            "\ud800",
            new string('a', 10_240),
            new string('.', 2_000),
            new string('a', 700) + "." + new string('a', 700) + ".a",
            "eyJ",
            "e30.e30.e30",
            "e30.e30.",
            "W10.W10.W10",
            "bnVsbA.bnVsbA.bnVsbA",
            "%00.%00.%00",
            "a b.c d.e f",
            "====.====.====",
        ];
        string[] payloads =
        [
            "",
            "{",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{}",
            "{\"a\":1",
            """{"exp":1e999}""",
            """{"exp":99999999999999999999}""",
            """{"exp":-1,"nbf":-99999999999999}""",
            """{"sub":"\ud800"}""",
            """{"aud":[1,{}]}""",
            """{"iss":{"a":[]}}""",
            """{"a":1,"a":2}""",
            new string('[', 500),
            "\0",
            "{\"exp\":1.5}",
            """{"sid":["a","b"]}""",
        ];

        foreach (var text in junk)
            Assert.Null(Tokens(Secret).Read(text));
        foreach (var payload in payloads)
        {
            Assert.Null(Tokens(Secret).Read(Signed(Header, payload)));
            Assert.Null(Tokens(Secret).Read($"{Encode(Header)}.{Encode(payload)}.{Encode("x")}"));
            Assert.Null(Tokens(Secret).Read($"{Encode(payload)}.{Encode(Payload())}.{Encode("x")}"));
        }
        var random = new Random(17);
        for (var i = 0; i < 2_000; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            Assert.Null(
                Tokens(Secret)
                    .Read(
                        $"{Base64Url.EncodeToString(bytes)}.{Base64Url.EncodeToString(bytes.AsSpan(bytes.Length / 2))}."
                            + $"{Base64Url.EncodeToString(bytes)}"));
        }
    }

    private SessionTokens Tokens(params byte[][] secrets) => new(secrets, _clock);

    private string Payload(string? claim = null, string? value = "")
    {
        var claims = new Dictionary<string, string?>
        {
            ["iss"] = "\"chatlogger\"",
            ["aud"] = "\"chatlogger\"",
            ["sub"] = $"\"{User}\"",
            ["sid"] = $"\"{Session}\"",
            ["iat"] = $"{Now}",
            ["nbf"] = $"{Now}",
            ["exp"] = $"{Now + 3_600}",
        };
        if (claim is not null)
            claims[claim] = value;
        return $"{{{string.Join(',', claims.Where(each => each.Value is not null).Select(each => $"\"{each.Key}\":{each.Value}"))}}}";
    }

    private static string Signed(string header, string payload)
    {
        var text = $"{Encode(header)}.{Encode(payload)}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(Secret, Encoding.ASCII.GetBytes(text)))}";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
