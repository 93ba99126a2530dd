using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Dapper;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Everything that is not what it should be, in every member of every body, every parameter, every part of every path and the headers, of
/// every route there is, from somebody who may call it: never a 5xx, never an echo, and what is refused has changed nothing. The routes,
/// members and parameters are those of the running service.
/// </summary>
public sealed partial class HostileInputTests(IdleApp app) : IClassFixture<IdleApp>, IAsyncLifetime
{
    // As a careless client: headers are bytes, not letters.
    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
    });

    private NpgsqlConnection _changes = null!;
    private NpgsqlCommand _lastChange = null!;
    private int _turn;

    public async Task InitializeAsync()
    {
        _changes = await app.Rows.OpenConnectionAsync();
        await _changes.ExecuteAsync(Witness);
        _lastChange = _changes.CreateCommand();
        _lastChange.CommandText = "select coalesce(max(id), 0) from changes";
        // It is asked after each of some 28,000 requests.
        await _lastChange.PrepareAsync();
    }

    public async Task DisposeAsync()
    {
        await _lastChange.DisposeAsync();
        await _changes.DisposeAsync();
    }

    [Fact]
    public Task No_member_of_a_body_does_harm() => OnEveryRoute(async route =>
    {
        if (route.Body is not { } shape)
            return;
        var valid = await ValidBody(route, shape);
        foreach (var path in Members(shape, ""))
        {
            foreach (var value in Values)
                await route.Ask(body: With(valid(), path, value), about: $"{path} = {Short(value)}");
        }
        foreach (var value in route.Items is null ? [] : Values)
            await route.Ask(body: Items(route, value), about: $"each member of an item = {Short(value)}");
    });

    [Fact]
    public Task No_body_does_harm() => OnEveryRoute(async route =>
    {
        if (route.Body is not { } shape)
        {
            foreach (var type in ContentTypes)
                await route.Ask(body: Encoding.UTF8.GetBytes(Marker), type: type, about: $"an unexpected body, Content-Type {type}");
            return;
        }
        var valid = await ValidBody(route, shape);
        foreach (var body in Bodies(valid))
            await route.Ask(body: body, about: $"body {Short(body)}");
        foreach (var type in ContentTypes)
            await route.Ask(body: valid(), type: type, about: $"Content-Type {type}");
        foreach (var encoding in new[] { "gzip", "br", "deflate", "gzip, gzip", "identity, gzip", Marker, "" })
        {
            await route.Ask(
                body: valid(),
                about: $"Content-Encoding {encoding}",
                change: request => request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding));
        }

        var random = new Random(20_261_101);
        for (var i = 0; i < 40; i++)
        {
            var body = Mutated(random, valid());
            await route.Ask(body: body, about: $"mutation {i}: {Short(body)}");
        }
    });

    [Fact]
    public Task No_query_does_harm() => OnEveryRoute(async route =>
    {
        var known = route.Query is { } shape ? Json.Options.GetTypeInfo(shape).Properties.Select(property => property.Name).ToArray() : [];
        foreach (var name in known)
        {
            foreach (var value in QueryValues)
                await route.Ask(query: $"{name}={value}", about: $"?{name}={Short(Encoding.UTF8.GetBytes(value))}");
            await route.Ask(query: $"{name}=1&{name}={Marker}", about: $"{name} twice");
            await route.Ask(query: $"{name.ToUpperInvariant()}={Marker}", about: $"{name} in capitals");
            await route.Ask(query: $"{name}[]={Marker}", about: $"{name} as an array");
            await route.Ask(query: $"{name}", about: $"{name} without a value");
        }
        await route.Ask(query: string.Join('&', known.Select(each => $"{each}={Marker}")), about: "all at once");
        foreach (var query in Queries)
            await route.Ask(query: query, body: route.Method == "GET" ? null : [], about: $"?{Short(Encoding.UTF8.GetBytes(query))}");
    });

    [Fact]
    public Task No_path_does_harm() => OnEveryRoute(async route =>
    {
        foreach (var parameter in route.Parameters)
        {
            foreach (var value in PathValues)
                await route.Ask(path: (parameter, value), about: $"{{{parameter}}} = {Short(Encoding.UTF8.GetBytes(value))}");
        }
    });

    [Fact]
    public Task No_header_does_harm() => OnEveryRoute(async route =>
    {
        if (route.EndsTheSession)
            return;
        var valid = route.Body is { } shape ? await ValidBody(route, shape) : null;
        foreach (var name in HeaderNames)
        {
            // Tries each value in each header, on one route or another.
            foreach (var value in new[] { HeaderValues[_turn++ % HeaderValues.Length], HeaderValues[_turn++ % HeaderValues.Length] })
            {
                await route.Ask(
                    body: valid?.Invoke(),
                    about: $"{name}: {Short(Encoding.UTF8.GetBytes(value))}",
                    change: request => request.Headers.TryAddWithoutValidation(name, value));
            }
        }
    });

    [Fact]
    public async Task What_is_counted_as_a_change_is_one()
    {
        var before = await Changes();
        var acme = await app.Org("acme");
        Assert.NotEqual(before, await Changes());

        before = await Changes();
        await app.Execute("update organizations set name = name || 'x' where id = @Id", new { acme.Id });
        Assert.NotEqual(before, await Changes());

        before = await Changes();
        Assert.Equal(before, await Changes());
    }

    // ---- What is sent

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
                // Numbers that are none, or too much.
                "2147483648", "-2147483649", "9223372036854775808", "99999999999999999999999999", "1e999", "-1e999", "1e-999", "1e131071",
                "1E+2147483648", "-0",
                "0.1e1", "01", "+1", ".5", "1.", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "-", "{\"a\":1e999}", "{\"a\":1e131071}",
                $"{{\"a\":{new string('9', 400)}}}",
                // Text that others would understand.
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
                // Objects that others would obey.
                "{\"__proto__\":{\"§\":1}}", "{\"constructor\":{\"prototype\":\"§\"}}", "{\"$type\":\"System.Object, §\"}",
                "{\"$ref\":\"#§\"}", "{\"$id\":\"1\"}", "{\"$values\":[\"§\"]}",
                // Hardly JSON.
                "'§'", "undefined", "\"§", "\"\\x\"", "\"\\u12\"", "\"§\nb\"", "\"a\tb\"", "[1,]", "{\"a\":1,}", "/* § */ 1", "1 // §", "§",
                "\"a\" \"b\"", "[", "}", ",", "nul", "True",
            }
            .Select(value => Encoding.UTF8.GetBytes(value.Replace("§", Marker, StringComparison.Ordinal))),
        // Not UTF-8.
        [(byte)'"', 0xff, (byte)'"'], [(byte)'"', 0xed, 0xa0, 0x80, (byte)'"'], [(byte)'"', 0xc0, 0x80, (byte)'"'],
        [(byte)'"', 0, (byte)'"'], [0], [0xff],
        // Much.
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

    private static IEnumerable<byte[]> Bodies(Func<byte[]> valid)
    {
        foreach (var body in new[]
                 {
                     "", " ", "\n", "null", "[]", "[{}]", "1", "true", $"\"{Marker}\"", "{", "}", "{}}", "{}{}", "{} {}", "{},", "[", "\"",
                     "{\"", $"{{\"{Marker}", $"{{\"{Marker}\":", $"{{\"{Marker}\":1}}",
                     $"{{\"{Marker}\":{{\"{Marker}\":[\"{Marker}\"]}}}}", $"{{\"__proto__\":{{\"{Marker}\":1}}}}", "{\"\":1}",
                     "{\"\\u0000\":1}", "{\"\\ud800\":1}", $"{{\"$type\":\"{Marker}\"}}", $"{{{Marker}:1}}", $"{{'{Marker}':1}}",
                     $"// {Marker}\n{{}}", $"{{/* {Marker} */}}", "{,}", "{\"a\"}", "{\"a\":}", "{1:1}", $"a={Marker}&b=1",
                     $"<a>{Marker}</a>", "--- !!python/object:x", Nested(20_000, '[', ']'),
                     string.Concat(Enumerable.Repeat("{\"a\":", 20_000)), $"{{{Text(100_000, 'k')}:1}}", new(' ', 100_000),
                 })
            yield return Encoding.UTF8.GetBytes(body);

        yield return [0xef, 0xbb, 0xbf, .. valid()];
        yield return Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(valid()));
        yield return Encoding.UTF32.GetBytes(Encoding.UTF8.GetString(valid()));
        yield return [0];
        yield return [0xff, 0xfe];
        yield return [.. valid(), 0];
        yield return [.. valid(), .. valid()];
        if (valid() is [(byte)'{', .., (byte)'}'] body1 && body1.Length > 2)
        {
            var text = Encoding.UTF8.GetString(body1);
            yield return Encoding.UTF8.GetBytes(text[..^1] + ",}");
            yield return Encoding.UTF8.GetBytes(text[..^1] + $",\"{Marker}\":1}}");
            yield return Encoding.UTF8.GetBytes(text[..^1] + "," + text[1..]);
            yield return Encoding.UTF8.GetBytes(MemberName().Replace(text, name => name.Value.ToUpperInvariant()));
            // The same member once more, in another spelling.
            var escaped = MemberName().Replace("," + text[1..], name => $"\"\\u{(int)name.Value[1]:x4}{name.Value[2..]}");
            yield return Encoding.UTF8.GetBytes(text[..^1] + escaped);
        }
    }

    private static byte[] Mutated(Random random, byte[] valid)
    {
        var body = (valid.Length == 0 ? "{}"u8.ToArray() : valid).ToList();
        for (var times = random.Next(1, 4); times > 0 && body.Count > 0; times--)
        {
            var at = random.Next(body.Count);
            switch (random.Next(5))
            {
                case 0:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1:
                    body.RemoveRange(at, Math.Min(random.Next(1, 5), body.Count - at));
                    break;
                case 2:
                    body.InsertRange(at, body.GetRange(at, Math.Min(random.Next(1, 12), body.Count - at)));
                    break;
                case 3:
                    body.Insert(at, "{}[]\":,\\0-eE.u "u8[random.Next(15)]);
                    break;
                default:
                    body[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
        return [.. body];
    }

    private static string Text(int length, char character) => $"\"{new string(character, length)}\"";

    private static string Array(int length, string element) => $"[{string.Join(',', Enumerable.Repeat(element, length))}]";

    private static string Nested(int depth, char open, char close) => new string(open, depth) + new string(close, depth);

    private static string Short(byte[] text)
    {
        var shown = Encoding.UTF8.GetString(text);
        return shown.Length <= 120 ? shown : $"{shown[..60]}… ({text.Length} bytes)";
    }

    [GeneratedRegex("(?<=[{,])\"[^\"]+\"(?=:)")]
    private static partial Regex MemberName();

    // ---- To whom it is sent

    /// <summary>
    /// What a member needs so that a body gets past the rules and down to the database, where another member is the nasty one.
    /// </summary>
    private static string Sample(string name) => name switch
    {
        "email" => $"\"{Guid.NewGuid():N}@acme.example\"",
        "slug" => $"\"nasty-{Guid.NewGuid():N}\"",
        "password" or "currentPassword" => $"\"{Persona.Password}\"",
        "role" => "\"user\"",
        "format" => "\"json\"",
        "rating" => "\"up\"",
        "items" => "[{\"type\":\"chat\"}]",
        _ => "\"a\"",
    };

    /// <summary>The members that the route says are missing, and those without which others are refused.</summary>
    private static async Task<Func<byte[]>> ValidBody(Route route, Type shape)
    {
        var members = Json.Options.GetTypeInfo(shape).Properties
            .Select(property => property.Name)
            .Where(name => name == "currentPassword")
            .ToList();
        byte[] Body() => Encoding.UTF8.GetBytes($"{{{string.Join(',', members.Select(name => $"\"{name}\":{Sample(name)}"))}}}");
        while (!route.EndsTheSession)
        {
            var answer = await route.Ask(body: Body(), about: "nothing nasty");
            if (answer.Status != 400)
                break;
            var missing = answer["errors"].EnumerateObject().Select(error => error.Name).Where(name => !members.Contains(name)).ToList();
            Assert.True(missing.Count > 0, $"What is a valid {string.Join(", ", members)} of {route}? Say it in {nameof(Sample)}. "
                + $"{answer.Body}");
            members.AddRange(missing);
        }
        return Body;
    }

    /// <summary>Every member of the type, and those of the objects in it: <c>items[].content</c>.</summary>
    private static IEnumerable<string> Members(Type type, string prefix)
    {
        foreach (var property in Json.Options.GetTypeInfo(type).Properties)
        {
            var path = prefix + property.Name;
            yield return path;
            var element = property.PropertyType.IsArray ? property.PropertyType.GetElementType()! : property.PropertyType;
            if (element.Assembly != typeof(Program).Assembly || element.IsEnum || prefix.Count(c => c == '.') > 3)
                continue;
            foreach (var inner in Members(element, property.PropertyType.IsArray ? path + "[]." : path + "."))
                yield return inner;
        }
    }

    /// <summary>Items in each of which another member is this, and all else is right.</summary>
    private static byte[] Items(Route route, byte[] value)
    {
        var body = new List<byte>(Encoding.UTF8.GetBytes($"{{\"{route.Items!.List}\":["));
        foreach (var (_, shape) in route.Items.Types)
        {
            foreach (var member in Json.Options.GetTypeInfo(shape).Properties.Select(property => property.Name))
            {
                if (body[^1] != '[')
                    body.Add((byte)',');
                body.AddRange(With(Encoding.UTF8.GetBytes(route.ValidItem(shape)), member, value));
            }
        }
        return [.. body, .. "]}"u8];
    }

    /// <summary>The body with this member, raw as it is.</summary>
    private static byte[] With(byte[] body, string path, byte[] value)
    {
        var steps = path.Split('.');
        foreach (var step in steps.Reverse().SkipLast(1))
        {
            value =
            [
                .. Encoding.UTF8.GetBytes($"{{\"{step.TrimEnd('[', ']')}\":"),
                .. step.EndsWith(']') ? [(byte)'[', .. value, (byte)']'] : value,
                (byte)'}',
            ];
        }
        if (steps.Length > 1 && steps[0].EndsWith(']'))
            value = [(byte)'[', .. value, (byte)']'];
        var name = steps[0].TrimEnd('[', ']');
        var others = JsonDocument.Parse(body).RootElement.EnumerateObject()
            .Where(member => member.Name != name)
            .Select(member => $"\"{member.Name}\":{member.Value.GetRawText()},");
        return [.. Encoding.UTF8.GetBytes($"{{{string.Concat(others)}\"{name}\":"), .. value, (byte)'}'];
    }

    private async Task OnEveryRoute(Func<Route, Task> story)
    {
        foreach (var endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            foreach (var method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
                await story(await Route.Open(this, endpoint, method));
        }
    }

    /// <summary>
    /// Each row of every tenant that was inserted, changed or deleted, and committed. Not told: the audit log, the counters of throttling,
    /// and when a key was last used.
    /// </summary>
    private const string Witness =
        """
        create table if not exists changes (id bigint generated always as identity primary key, what text not null);
        create or replace function witness() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' and to_jsonb(old) - 'last_used_at' = to_jsonb(new) - 'last_used_at' then
                return null;
            end if;
            insert into changes (what) values (tg_op || ' ' || tg_table_name);
            return null;
        end $$;
        do $$
        declare
            tenant regclass;
        begin
            for tenant in
                select c.oid::regclass
                from pg_class c
                where c.relkind in ('r', 'p') and not c.relispartition
                  and c.relnamespace = 'public'::regnamespace
                  and c.relname not in ('audit_events', 'changes')
                  and c.relname !~ 'attempt|throttl|rate_|failure|counter'
                  and (c.relname = 'organizations' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id'
                      and not a.attisdropped))
            loop
                execute format(
                    'create or replace trigger witness after insert or update or delete on %s '
                    'for each row execute function witness()', tenant);
            end loop;
        end $$;
        """;

    private async Task<long> Changes() => (long)(await _lastChange.ExecuteScalarAsync())!;

    private Task<string?> LastChange() => _changes.ExecuteScalarAsync<string?>("select what from changes order by id desc limit 1");

    /// <summary>A route, an organization of its own, and a caller with access.</summary>
    private sealed class Route
    {
        private readonly HostileInputTests _test;
        private readonly RouteEndpoint _endpoint;
        private readonly EndpointPolicy _access;
        private readonly Dictionary<string, string> _ids;
        private readonly Org _acme;
        private Caller _caller = null!;
        private long _changes;

        private Route(HostileInputTests test, RouteEndpoint endpoint, string method, Org acme, Dictionary<string, string> ids)
        {
            (_test, _endpoint, Method, _acme, _ids) = (test, endpoint, method, acme, ids);
            _access = endpoint.Metadata.GetMetadata<EndpointPolicy>()!;
        }

        public string Method { get; }

        public Type? Body => _endpoint.Metadata.GetMetadata<BodyShape>()?.RequestType;

        public ItemShapes? Items => _endpoint.Metadata.GetMetadata<ItemShapes>();

        public Type? Query => _endpoint.Metadata.GetMetadata<QueryShape>()?.Type;

        public IEnumerable<string> Parameters => _endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name);

        /// <summary>
        /// A call of it that is right leaves a caller without a credential, or an organization without anything to play with.
        /// </summary>
        public bool EndsTheSession => Method == "DELETE" || (Body is null && Method is "POST");

        public static async Task<Route> Open(HostileInputTests test, RouteEndpoint endpoint, string method)
        {
            var app = test.App;
            var acme = await app.Org("acme");
            var ids = new Dictionary<string, string> { ["slug"] = acme.Slug, ["org"] = "me" };
            if (endpoint.RoutePattern.Parameters.Any(parameter => parameter.Name is "chatId" or "messageId")
                || endpoint.Metadata.GetMetadata<ItemShapes>() is not null)
            {
                ids["chatId"] = await acme.Chat();
                ids["messageId"] = await acme.Say(ids["chatId"], "hello");
            }
            var route = new Route(test, endpoint, method, acme, ids);
            await route.Renew();
            route._changes = await test.Changes();
            return route;
        }

        public override string ToString() => $"{Method} /{_endpoint.RoutePattern.RawText?.Trim('/')}";

        public string ValidItem(Type shape) => shape == typeof(WriteBatch.ChatItem)
            ? """{"type":"chat"}"""
            : $$"""{"type":"message","chatId":"{{_ids["chatId"]}}","role":"user","content":"a"}""";

        /// <summary>Asks, and checks what must be true of every answer.</summary>
        public async Task<Answer> Ask(
            string about,
            byte[]? body = null,
            string type = "application/json",
            string query = "",
            (string Name, string Value)? path = null,
            Action<HttpRequestMessage>? change = null)
        {
            Answer answer;
            try
            {
                answer = await Send();
            }
            // A refusal may come before the whole body was sent, and then the connection may be gone before it is read. Not twice.
            catch (HttpRequestException exception) when (exception.InnerException is IOException)
            {
                answer = await Send();
            }
            // A caller with a Retry-After waits, and one that changed its own password logs in again.
            if (answer.Status == 429)
            {
                _test.App.Clock.Advance(TimeSpan.FromSeconds(int.Parse(answer.Header("Retry-After")!, null)));
                answer = await Send();
            }
            if (answer.Status == 401 && _access.Credential != CredentialKind.None)
            {
                await Renew();
                _changes = await _test.Changes();
                answer = await Send();
            }

            var said = $"{this} with {about}: {answer.Status} {answer.Body}";
            Assert.True(answer.Status < 500, said);
            // Where the header is the credential, a second value makes it invalid.
            Assert.True(
                answer.Status != 401
                || _access.Credential == CredentialKind.None
                || (_access.Credential == CredentialKind.OperatorToken && about.StartsWith("Authorization", StringComparison.Ordinal)),
                said);
            var before = _changes;
            _changes = await _test.Changes();
            if (answer.Status == 207)
                await Check(answer.TellsNothing(), before, said);
            if (answer.Status < 400)
                return answer;
            Assert.True(before == _changes, $"{said} has changed a row: {await _test.LastChange()}");
            // What Kestrel refuses has no body, and neither has an answer to HEAD.
            if (answer.Body.Length > 0)
            {
                try
                {
                    answer.IsSafeProblem(answer.Status, answer.Text("type"));
                }
                catch (Exception exception) when (exception is Xunit.Sdk.XunitException or JsonException)
                {
                    Assert.Fail($"{said}\n{exception.Message}");
                }
            }
            else
            {
                Assert.True(Method == "HEAD" || answer.Status is 400 or 414 or 431, said);
            }
            return answer;

            async Task<Answer> Send()
            {
                ByteArrayContent? content = null;
                if (body is not null)
                {
                    content = new ByteArrayContent(body);
                    content.Headers.TryAddWithoutValidation("Content-Type", type);
                }
                // What stands in the path goes out as it is.
                var target = new Uri(
                    _test.App.Address.GetLeftPart(UriPartial.Authority) + Path(path) + (query.Length == 0 ? "" : "?" + query),
                    new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
                return await _caller.Send(new HttpMethod(Method), "/", content, request =>
                {
                    request.RequestUri = target;
                    change?.Invoke(request);
                });
            }
        }

        // Each item is an answer of its own: what says 201 is there, and nothing else.
        private async Task Check(Answer answer, long before, string said)
        {
            var results = answer["results"].EnumerateArray()
                .Select(result => (Status: result.GetProperty("status").GetInt32(), Replayed: result.GetProperty("replayed").GetBoolean()))
                .ToList();
            Assert.True(results.TrueForAll(result => result.Status is 201 or 400 or 404 or 422), said);
            var written = await _test._changes.ExecuteScalarAsync<long>(
                "select count(*) from changes where id > @before and what in ('INSERT chats', 'INSERT messages')", new { before });
            Assert.True(written == results.Count(result => result is (201, false)), $"{said} has written {written}.");
        }

        private IReadOnlyList<RoutePatternPathSegment> Segments => _endpoint.RoutePattern.PathSegments;

        private string Path((string Name, string Value)? hostile) => "/" + string.Join('/', Segments.Select(segment =>
            segment.Parts[0] is RoutePatternLiteralPart literal ? literal.Content
            : segment.Parts[0] is not RoutePatternParameterPart parameter ? ""
            : parameter.Name == hostile?.Name ? hostile.Value.Value
            : _ids.TryGetValue(parameter.Name, out var id) ? id
            : Guid.CreateVersion7().ToString()));

        private async Task Renew()
        {
            var app = _test.App;
            var anyone = new Caller(Http);
            if (_access.Credential == CredentialKind.OperatorToken)
                _caller = anyone.WithToken(Persona.OperatorToken);
            else if (_access.Credential == CredentialKind.ApiKey)
                _caller = anyone.WithKey(await _acme.Key(KeyScope.Ingest, KeyScope.Import));
            else if (_access.Description.Contains(MemberRole.Superadmin, StringComparison.Ordinal))
                _caller = anyone.WithCookie((await app.Superadmin()).Credential!);
            else
                _caller = _access.Credential == CredentialKind.None ? anyone : anyone.WithCookie((await _acme.Admin()).Credential!);
        }
    }

    private App App => app;
}
