using System.Diagnostics;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Redaction;

namespace ChatLogger.Tests.Redaction;

/// <summary>What is recognized and what is not, and that texts which are not meant stay as they are.</summary>
public class RedactorTests
{
    private static readonly Redactor All = new(new(RedactionKind.All, [], true));

    [Theory]
    [InlineData("Write to jane.doe+x@mail.example.co.uk, please.", "Write to [email], please.")]
    [InlineData("<mailto:jörg@müller.example>", "<mailto:[email]>")]
    [InlineData("a@b.nl;c@d.nl", "[email];[email]")]
    [InlineData("Call +31 6 1234 5678 or 06-12345678.", "Call [phone] or [phone].")]
    [InlineData("(555) 123-4567, 555-123-4567, 1-555-123-4567", "[phone], [phone], [phone]")]
    [InlineData("Tel. 0031 20 123 4567", "Tel. [phone]")]
    [InlineData("card 4111 1111 1111 1111 123", "card [creditCard] 123")]
    [InlineData("378282246310005 and 5500-0000-0000-0004", "[creditCard] and [creditCard]")]
    [InlineData("IBAN NL91 ABNA 0417 1643 00, thanks", "IBAN [iban], thanks")]
    [InlineData("de89370400440532013000", "[iban]")]
    [InlineData("from 192.168.17.4: refused", "from [ipAddress]: refused")]
    [InlineData("[2001:db8::ff00:42:8329]:443 and fe80::1", "[[ipAddress]]:443 and [ipAddress]")]
    [InlineData("key sk-proj-abcdefghijklmnop1234567890, keep it", "key [secret], keep it")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[secret]")]
    [InlineData("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[secret]")]
    [InlineData("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "Bearer [secret]")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nbye", "[secret]\nbye")]
    public void What_is_meant_is_replaced(string text, string expected) => Assert.Equal(expected, All.Redact(text));

    [Theory]
    [InlineData("")]
    [InlineData("me @ home, 2026-11-29 10:30:45, 29-11-2026 10:30, 29/11/2026")]
    [InlineData("Order 1017 of 12345 for 1,234.56 at 3.14159, version 10.2.30, 1.2.3.4.5")]
    [InlineData("4111 1111 1111 1112 is no card, NL92 ABNA 5417 1643 00 no account")]
    [InlineData("@nobody, a@b, user@localhost, C++ :: std::vector, 12:30:45")]
    [InlineData("sk-ip the key-board, eyJust, AKIA")]
    [InlineData("300.300.300.300 and 1234567")]
    public void What_is_not_meant_stays_as_it_is(string text) => Assert.Same(text, All.Redact(text));

    [Fact]
    public void Only_the_kinds_that_are_chosen_are_replaced_and_counted()
    {
        var redactor = new Redactor(new(["email"], [new("order", "ORD-[0-9]{4}")], false));
        var counts = new Dictionary<string, int>();

        var text = redactor.Redact("ORD-1017 and ORD-1018 of a@b.nl, 192.168.0.1", counts);

        Assert.Equal("[order] and [order] of [email], 192.168.0.1", text);
        Assert.Equal(new Dictionary<string, int> { ["order"] = 2, ["email"] = 1 }, counts);
    }

    [Fact]
    public void What_overlaps_is_replaced_as_one_and_what_is_replaced_stays()
    {
        var redactor = new Redactor(new(["email"], [new("word", "[a-z]+"), new("mail", "[a-z]+@[a-z.]+ now")], false));

        var once = redactor.Redact("JANE a@b.nl now, X");

        Assert.Equal("JANE [mail], X", once);
        Assert.Same(once, redactor.Redact(once));
    }

    [Fact]
    public void Strings_and_names_in_JSON_are_replaced_and_the_rest_stays_byte_for_byte()
    {
        const string json =
            """[{"type":"x@y.nl","id":1e400,"a@b.nl":"\u0063@d.nl","A":["","\ud83d\ude00 e@f.nl"],"c@b.nl":[true,null,-0.0],"s":"\/"}]""";

        var redacted = All.Redact(Parse(json), JsonRedaction.Scope.Parts)!.ToString();

        Assert.Equal(
            """[{"type":"x@y.nl","id":1e400,"[email]":"[email]","A":["","😀 [email]"],"[email] 2":[true,null,-0.0],"s":"\/"}]""",
            redacted);
    }

    [Theory]
    [InlineData("""{"to":"a@b.nl","n":1}""", """{"to":"[email]","n":1}""")]
    [InlineData("""{"a@b.nl":1,"c@d.nl":2,"[email]":3}""", """{"[email]":1,"[email] 2":2,"[email] 3":3}""")]
    [InlineData("""{"inner":"{\"to\":\"a\\u0040b.nl\"}"}""", """{"inner":"{\"to\":\"[email]\"}"}""")]
    [InlineData("""{"cut":"a@b.nl""", """{"cut":"[email]""")]
    public void Arguments_stay_JSON_whether_they_are_an_object_or_a_text(string arguments, string expected)
    {
        var sent = Parse($$"""[{"id":"a@b.nl","name":"f","arguments":{{JsonSerializer.Serialize(arguments)}}}]""");
        var text = All.Redact(sent, JsonRedaction.Scope.ToolCalls)!;
        var call = JsonElement.Parse(text.Utf8.Span)[0];

        Assert.Equal(expected, call.GetProperty("arguments").GetString());
        Assert.Equal("a@b.nl", call.GetProperty("id").GetString());
        if (expected.EndsWith('}'))
        {
            var json = All.Redact(Parse($$"""[{"id":"i","name":"f","arguments":{{arguments}}}]"""), JsonRedaction.Scope.ToolCalls)!;
            Assert.Equal(expected, JsonElement.Parse(json.Utf8.Span)[0].GetProperty("arguments").GetRawText());
        }
    }

    [Fact]
    public void A_pattern_that_matches_quotes_and_braces_breaks_no_JSON()
    {
        var redactor = new Redactor(new([], [new("all", "[^a]+"), new("quote", "[\"{}:,]")], true));

        var calls = Parse("""[{"id":"i","name":"f","arguments":"{\"x\":\"a\\\"b\",\"y\":[1]}"}]""");
        var text = redactor.Redact(calls, JsonRedaction.Scope.ToolCalls)!;

        using var arguments = JsonDocument.Parse(JsonElement.Parse(text.Utf8.Span)[0].GetProperty("arguments").GetString()!);
        Assert.Equal(JsonValueKind.Object, arguments.RootElement.ValueKind);
    }

    [Fact]
    public void Any_text_takes_time_that_is_linear_in_its_length()
    {
        string[] pieces =
        [
            "@", "a@", "a.", "1", "1 ", "0-", "+1", "(", "1.1.", ":", "::", "a:", "NL91 ", "eyJ", "sk-", "-----BEGIN ", "[", "[email",
        ];
        foreach (var piece in pieces)
        {
            var text = string.Concat(Enumerable.Repeat(piece, 262_144 / piece.Length));
            var since = Stopwatch.GetTimestamp();
            All.Redact(text);
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(5), $"{piece} took {Stopwatch.GetElapsedTime(since)}");
        }
    }

    private static RawJsonArray Parse(string json) => JsonSerializer.Deserialize<RawJsonArray>(json)!;
}
