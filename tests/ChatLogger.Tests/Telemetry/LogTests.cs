using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Telemetry.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ChatLogger.Tests.Telemetry;

/// <summary>The log on standard output.</summary>
[UnsupportedOSPlatform("windows")]
public sealed partial class LogTests
{
    private const string Hostile = "a\r\nforged\tline \u001b[31mred\u0000\u0085\u2028\u202eend \"quoted\" \\ é 😀";
    private const string Tame = "a\\u000d\\u000aforged\\u0009line \\u001b[31mred\\u0000\\u0085\\u2028\\u202eend \"quoted\" \\ é 😀";

    [Fact]
    public async Task Production_writes_one_object_a_line_with_the_trace_that_the_answer_names()
    {
        var database = await TestServer.NewDatabase();
        var here = new ProcessSandbox();
        try
        {
            var service = await here.Serve("Session__Secret=0123456789abcdef0123456789abcdef", $"ConnectionStrings__ChatLogger={database}");
            var refused = (await service.Http.Post("/auth/login", new { email = "nobody@acme.example", password = "n0t-a-password" })).Is(
                401);
            await using (var rows = Npgsql.NpgsqlDataSource.Create(database))
            {
                await using var command = rows.CreateCommand("alter table users rename to users_elsewhere");
                await command.ExecuteNonQueryAsync();
            }
            var failed = (await service.Http.Post("/auth/login", new { email = "nobody@acme.example", password = "n0t-a-password" })).Is(
                500);
            Assert.Equal(0, await service.Stop());

            var lines = service.Output.Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
            Assert.All(lines, line =>
            {
                Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", line.GetProperty("timestamp").GetString()!);
                Assert.Contains(line.GetProperty("level").GetString(), new[] { "information", "warning", "error" });
                Assert.StartsWith("ChatLogger", line.GetProperty("category").GetString()!, StringComparison.Ordinal);
                Assert.NotEmpty(line.GetProperty("message").GetString()!);
            });
            var refusal = Assert.Single(lines, line => Has(line, "traceId", refused.Text("traceId")));
            Assert.Equal("warning", refusal.GetProperty("level").GetString());
            Assert.Equal("ChatLogger.Security", refusal.GetProperty("category").GetString());
            Assert.Equal("login.refusal", refusal.GetProperty("fields").GetProperty("action").GetString());
            Assert.Equal("anonymous", refusal.GetProperty("fields").GetProperty("actorType").GetString());
            Assert.Equal(JsonValueKind.Null, refusal.GetProperty("fields").GetProperty("orgId").ValueKind);
            Assert.False(refusal.GetProperty("fields").TryGetProperty("{OriginalFormat}", out _));
            var failure = Assert.Single(lines, line => Has(line, "traceId", failed.Text("traceId")));
            Assert.Equal("error", failure.GetProperty("level").GetString());
            Assert.Contains("42P01", failure.GetProperty("exception").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain("n0t-a-password", service.Output + service.Errors, StringComparison.Ordinal);
        }
        finally
        {
            await here.CleanUp();
            await TestServer.Drop(database);
        }
    }

    [Fact]
    public async Task Development_writes_lines_to_be_read_and_either_can_be_had_in_either()
    {
        var here = new ProcessSandbox();
        try
        {
            var service = await here.Develop();
            Assert.Matches(Readable(), service.Output);
            Assert.Equal(0, await service.Stop());
            var other = await here.Develop("Logging__Console__FormatterName=json-lines");
            Assert.Contains(other.Output.Split('\n'), line => line.StartsWith("{\"timestamp\":", StringComparison.Ordinal));
            Assert.Equal(0, await other.Stop());
        }
        finally
        {
            await here.CleanUp();
        }
    }

    [Fact]
    public void Logged_values_contain_no_line_breaks_or_terminal_sequences()
    {
        var failure = new InvalidOperationException(Hostile);
        var json = Written(new JsonLogFormatter(), failure);
        Assert.DoesNotContain(json.TrimEnd('\n'), char.IsControl);
        var line = JsonDocument.Parse(json).RootElement;
        Assert.Equal($"said {Tame} 7", line.GetProperty("message").GetString());
        Assert.Equal(Tame, line.GetProperty("fields").GetProperty("what").GetString());
        Assert.Equal(7, line.GetProperty("fields").GetProperty("times").GetInt32());
        var exception = line.GetProperty("exception").GetString()!;
        Assert.Contains("forged\\u0009line \\u001b[31mred", exception, StringComparison.Ordinal);
        Assert.DoesNotContain(
            exception,
            character => character != '\n' && (char.IsControl(character) || character is '\u2028' or '\u202e'));

        var readable = Written(new TextLogFormatter(), failure);
        Assert.DoesNotContain(readable, character => character != '\n' && (char.IsControl(character) || character is '\u2028' or '\u202e'));
        var lines = readable.TrimEnd('\n').Split('\n');
        Assert.Matches(@"^\S+Z warn  Test: said ", lines[0]);
        Assert.All(lines[1..], below => Assert.StartsWith("    ", below, StringComparison.Ordinal));
    }

    [Fact]
    public void A_warning_names_the_trace_it_is_of()
    {
        using var span = new Activity("request").Start();
        var trace = span.TraceId.ToHexString();

        Assert.Contains($" trace={trace}", Written(new TextLogFormatter(), null), StringComparison.Ordinal);
        var line = JsonDocument.Parse(Written(new JsonLogFormatter(), null)).RootElement;
        Assert.True(Has(line, "traceId", trace) && Has(line, "spanId", span.SpanId.ToHexString()));
    }

    private static bool Has(JsonElement line, string name, string value) =>
        line.TryGetProperty(name, out var found) && found.GetString() == value;

    private static string Written(ConsoleFormatter formatter, Exception? failure)
    {
        KeyValuePair<string, object?>[] state = [new("What", Hostile), new("Times", 7), new("{OriginalFormat}", "said {What} {Times}")];
        using var text = new StringWriter { NewLine = "\n" };
        formatter.Write(
            new LogEntry<KeyValuePair<string, object?>[]>(
                LogLevel.Warning,
                "Test",
                default,
                state,
                failure,
                (fields, _) => $"said {fields[0].Value} {fields[1].Value}"),
            null,
            text);
        return text.ToString();
    }

    [GeneratedRegex(@"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  ChatLogger: Chat Logger \S+ is listening on http://")]
    private static partial Regex Readable();
}
