using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Http;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

public sealed partial class HostileInputTests
{
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

    [GeneratedRegex("(?<=[{,])\"[^\"]+\"(?=:)")]
    private static partial Regex MemberName();

    // ---- Valid bodies

    /// <summary>
    /// A valid value for a member, so that the body passes validation and reaches the database while another member is hostile.
    /// </summary>
    private static string Sample(Route route, string name) => name switch
    {
        "url" => "\"https://hooks.example\"",
        "events" when $"{route}".Contains("webhooks", StringComparison.Ordinal) => "[\"chat.created\"]",
        "email" => $"\"{Guid.NewGuid():N}@acme.example\"",
        "slug" => $"\"hostile-{Guid.NewGuid():N}\"",
        "password" or "currentPassword" => $"\"{Persona.Password}\"",
        "role" => "\"user\"",
        "format" => "\"json\"",
        "rating" => "\"up\"",
        "items" => "[{\"type\":\"chat\"}]",
        "batch" => "[{\"id\":\"a\",\"type\":\"generation-create\",\"body\":{\"id\":\"a\",\"input\":\"a\",\"output\":\"a\"}}]",
        "events" => "[{\"event\":\"chat\",\"runId\":\"a\",\"message\":{\"role\":\"user\",\"content\":\"a\"}}]",
        _ => "\"a\"",
    };

    /// <summary>The members that the route says are missing, and those without which others are refused.</summary>
    private static async Task<Func<byte[]>> ValidBody(Route route, Type shape)
    {
        var members = Json.Options.GetTypeInfo(shape).Properties
            .Select(property => property.Name)
            .Where(name => name == "currentPassword")
            .ToList();
        byte[] Body() => Encoding.UTF8.GetBytes($"{{{string.Join(',', members.Select(name => $"\"{name}\":{Sample(route, name)}"))}}}");
        while (!route.EndsTheSession)
        {
            var answer = await route.Ask(body: Body(), about: "the valid body");
            if (answer.Status != 400)
                break;
            // An integration does not name them in its protocol.
            var named = answer.Json.TryGetProperty("errors", out var errors)
                ? errors.EnumerateObject().Select(error => error.Name)
                : Json.Options.GetTypeInfo(shape).Properties.Select(property => property.Name).Take(1);
            var missing = named.Where(name => !members.Contains(name)).ToList();
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

    /// <summary>Items in each of which one member has this value and the others are valid.</summary>
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
}
