using System.Text;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

public sealed partial class HostileInputTests
{
    // ---- Values

    /// <summary>Values as they stand in JSON; § is the marker.</summary>
    private static readonly byte[][] Values =
    [
        .. new[]
            {
                // Other types.
                "0", "1", "-1", "1.5", "1.0", "1e0", "true", "false", "[]", "{}", "\"\"", "\"1\"", "\"true\"", "\"null\"", "\"[]\"",
                "\"§\"", "[\"§\"]",
                "[\"§\",\"§\"]", "[null]", "[1]", "[[\"§\"]]", "[{\"§\":\"§\"}]", "{\"§\":1}", "{\"a\":{\"§\":[\"§\"]}}",
                "{\"§\":1,\"§\":2}", "[\"\"]", "[\" \"]",
                // Malformed and excessive numbers.
                "2147483648", "-2147483649", "9223372036854775808", "99999999999999999999999999", "1e999", "-1e999", "1e-999", "1e131071",
                "1E+2147483648", "-0",
                "0.1e1", "01", "+1", ".5", "1.", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "-", "{\"a\":1e999}", "{\"a\":1e131071}",
                $"{{\"a\":{new string('9', 400)}}}",
                // Parts and tool calls.
                "[{\"type\":\"§\"}]", "[{\"type\":\"\"}]", "[{\"type\":1}]", "[{\"text\":\"§\"}]",
                "[{\"type\":\"text\",\"text\":\"\\u0000\"}]",
                "[{\"type\":\"a\",\"§\":1e999}]", "[{\"type\":\"a\",\"type\":\"§\"}]", "[{\"type\":\"a\"},\"§\"]",
                "[{\"type\":\"text\",\"text\":{\"§\":[\"\\ud800\"]}}]", "[{\"id\":\"§\",\"name\":\"§\",\"arguments\":{\"§\":1e131071}}]",
                "[{\"id\":\"§\",\"name\":\"§\",\"arguments\":\"\\u0000\"}]", "[{\"id\":\"§\",\"name\":\"§\",\"arguments\":\"\",\"§\":1}]",
                "[{\"id\":1,\"name\":[],\"arguments\":null}]", "[{\"id\":\"\",\"name\":\"\",\"arguments\":\"\"}]", "[{\"\\ud800\":\"§\"}]",
                // Text that other languages interpret.
                "\"§' or '1'='1\"", "\"§'; drop table chats; --\"", "\"§\\\"\\\\\"", "\"%s%n%x{0}{1:§}\"", "\"${jndi:ldap://§}\"",
                "\"{{§}}\"", "\"<script>§</script>\"",
                "\"=cmd|'/c §'!A1\"", "\"§\\r\\nSet-Cookie: a=§\"", "\"../../../../etc/passwd\"",
                "\"§\\t\\b\\f\\u0001\\u007f\\u0085\\u2028\"", "\"\\u202e§\\u200b\\ufeff\"", "\"\\ufffe\\uffff\\ufdd0\"",
                "\"\\ud83d\\ude00\"", "\"@{§}\"", "\"\\\\x41\"", "\" \"", "\"\\u00a0\\u3000\"", "\"C:\\\\§\"", "\"§\\\\0\"",
                // Text that cannot be stored.
                "\"\\u0000\"", "\"§\\u0000§\"", "\"\\ud800\"", "\"\\udc00§\"", "{\"§\\u0000\":1}", "{\"\\udfff\":1}", "[\"\\u0000\"]",
                "{\"a\":[\"§\\ud800\"]}",
                // Ids, times and zones.
                "\"00000000-0000-0000-0000-000000000000\"", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"",
                "\"0190A6E0-0000-7000-8000-000000000000\"", "\"{0190a6e0-0000-7000-8000-000000000000}\"",
                "\"0190a6e0000070008000000000000000\"", "\"0001-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00+14:00\"",
                "\"9999-12-31T23:59:59.9999999Z\"", "\"9999-12-31T23:59:59-14:00\"",
                "\"2026-02-30T00:00:00Z\"", "\"2026-11-01T24:00:00Z\"", "\"2026-11-01T23:59:60Z\"", "\"2026-11-01\"", "\"0000-00-00\"",
                "\"9999-12-31\"", "\"0001-01-01\"", "\"+275760-09-13T00:00:00Z\"",
                "\"1\\u0660\\u0661\"", "\"infinity\"", "\"now\"", "\"Europe/§\"", "\"/etc/localtime\"", "\"posixrules\"",
                // Objects that other libraries interpret.
                "{\"__proto__\":{\"§\":1}}", "{\"constructor\":{\"prototype\":\"§\"}}", "{\"$type\":\"System.Object, §\"}",
                "{\"$ref\":\"#§\"}", "{\"$id\":\"1\"}", "{\"$values\":[\"§\"]}",
                // Malformed JSON.
                "'§'", "undefined", "\"§", "\"\\x\"", "\"\\u12\"", "\"§\nb\"", "\"a\tb\"", "[1,]", "{\"a\":1,}", "/* § */ 1", "1 // §", "§",
                "\"a\" \"b\"", "[", "}", ",", "nul", "True",
            }
            .Select(value => Encoding.UTF8.GetBytes(value.Replace("§", Marker, StringComparison.Ordinal))),
        // Not UTF-8.
        [(byte)'"', 0xff, (byte)'"'], [(byte)'"', 0xed, 0xa0, 0x80, (byte)'"'], [(byte)'"', 0xc0, 0x80, (byte)'"'],
        [(byte)'"', 0, (byte)'"'], [0], [0xff],
        // Large values.
        .. new[]
            {
                Text(300, 'a'), Text(5_000, 'é'), Text(270_000, 'a'), Text(3_000, '0'), Array(3_000, "\"a\""), Array(3_000, "null"),
                Array(50, $"\"{Marker}\""), Nested(20, '[', ']'), Nested(70, '[', ']'),
                Nested(20_000, '[', ']'), $"{string.Concat(Enumerable.Repeat("{\"a\":", 70))}1{new string('}', 70)}",
                string.Concat(Enumerable.Repeat("{\"a\":", 20_000)),
                $"{{{string.Join(',', Enumerable.Range(0, 2_000).Select(i => $"\"k{i}\":{i}"))}}}",
                $"[{string.Join(',', Enumerable.Repeat("1e131071", 500))}]",
                $"{{\"a\":[{string.Join(',', Enumerable.Repeat("1e131071", 500))}]}}", $"{{{Text(5_000, 'k')}:1}}",
            }
            .Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly string[] ContentTypes =
    [
        "", "text/plain", "text/json", "application/x-www-form-urlencoded", $"multipart/form-data; boundary={Marker}",
        "application/json; charset=bogus", "application/json; charset=utf-16",
        "application/json; charset=utf-7", $"application/json; charset={Marker}", "application/json; charset=",
        "application/json; charset=\"utf-8\"", "application/json;;;", "application/json, text/plain",
        "application/problem+json", "application/*", "*/*", Marker, $"{Marker}/{Marker}", "application/json\0", "application/json; q=\"",
        $"application/json; {new string('a', 4_000)}=1",
    ];

    private static readonly string[] ContentEncodings = ["gzip", "br", "deflate", "gzip, gzip", "identity, gzip", Marker, ""];

    private static readonly string[] Queries =
    [
        Marker, $"{Marker}={Marker}", $"__proto__={Marker}", $"%00={Marker}", $"%FF={Marker}", $"%={Marker}", $"{Marker}%0d%0aA:b",
        $"=={Marker}", $"&&&{Marker}&", $"a={new string('a', 6_000)}", $"'{Marker}'=1", "%F0%9F%98%80=%ED%A0%80",
    ];

    private static readonly string[] QueryValues =
    [
        "", Marker, "0", "-1", "1.5", "1e3", "01", "%2b1", "+1", "2147483648", "-2147483649", "99999999999999999999999999", "1e999", "NaN",
        "true", "null", "[]", "{}", "%00", $"{Marker}%00", "%FF", "%C3", "%C0%80",
        "%ED%A0%80", "%F4%90%80%80", "%", "%4", "%zz", "%25", "%F0%9F%98%80", $"%0d%0aSet-Cookie:{Marker}", $"{Marker}'+or+'1'='1",
        $"{Marker}';drop+table+chats;--", "%25s%25n{0}", "..%2f..%2fetc%2fpasswd",
        "__proto__", "%20", "%E2%80%AE", "a%26b%3Dc", "00000000-0000-0000-0000-000000000000", "0190A6E0-0000-7000-8000-000000000000",
        "%7B0190a6e0-0000-7000-8000-000000000000%7D",
        "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-14:00", "2026-11-01T23:59:60Z", "infinity", "now", "Europe%2FNowhere",
        "%2Fetc%2Flocaltime", "Etc%2FGMT%2B99", "AAAA", "eyJhIjoxfQ", "eyJhIjoxfQ%3D%3D", "////", "____", new('A', 4_000), new('9', 3_000),
        $"{string.Concat(Enumerable.Repeat("%F0%9F%98%80", 500))}",
    ];

    private static readonly string[] PathValues =
    [
        Marker, "0", "-1", "null", "undefined", "%00", $"{Marker}%00", "%FF", "%C0%80", "%ED%A0%80", "%F4%90%80%80", "%", "%zz", "%2e%2e",
        "..%2f..%2fetc%2fpasswd", "..%5c..%5c", "%252e%252e%252f", "%20", "%09", "*", "~", ".", "..",
        $"%0d%0aSet-Cookie:{Marker}", $"%27%20or%20%271%27=%271", $"{Marker};a=b", "%F0%9F%98%80", "%E2%80%AE", "%25s%25n", "a%2fb",
        "a%3fb=c", "a%23b", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "0190A6E0-0000-7000-8000-000000000000", "%7B0190a6e0-0000-7000-8000-000000000000%7D",
        "(0190a6e0-0000-7000-8000-000000000000)", "0190a6e0000070008000000000000000",
        "0190a6e0-0000-7000-8000-00000000000", "0190a6e0-0000-7000-8000-0000000000000", "%200190a6e0-0000-7000-8000-000000000000",
        "0190a6e0-0000-7000-8000-000000000000%00", "{0x0190a6e0,0x0000,0x7000,{0x80,0,0,0,0,0,0,0}}",
        new('a', 2_000), new('9', 2_000), string.Concat(Enumerable.Repeat("%F0%9F%98%80", 300)), "acme'--", "ACME", "a..b", "--",
    ];

    private static readonly string[] HeaderNames =
    [
        "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Language", "Cookie", "Date",
        "Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
        "If-Unmodified-Since", "Idempotency-Key", "Origin", "Pragma", "Prefer", "Range", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site",
        "TE", "Upgrade", "User-Agent", "Via", "X-Content-Length", "X-Forwarded-For",
        "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Original-URL", "X-Request-Id", "baggage", "traceparent",
        "tracestate",
    ];

    private static readonly string[] HeaderValues =
    [
        "", Marker, $"{Marker}' or '1'='1", "\u00e9\u00ff", new('a', 3_000), "bytes=5-1,-0,99999999999999999999-",
        "*;q=NaN, gzip;q=1e999, \"", "00-00000000000000000000000000000000-0000000000000000-ff", "::1, 999.999.999.999, [", "W/\"\u0001",
        "Thu, 99 Foo 10000 25:61:61 GMT",
    ];
}
