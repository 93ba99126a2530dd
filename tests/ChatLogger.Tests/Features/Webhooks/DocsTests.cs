using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.Webhooks;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>The examples of docs/webhooks.md verify what the service signs.</summary>
public partial class DocsTests
{
    private static readonly string Docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "webhooks.md"));

    [Fact]
    public void The_example_in_CSharp_is_the_code_that_other_tests_verify_with()
    {
        var source = File.ReadAllText(
            Path.Combine(Repository.Root, "tests", "ChatLogger.Tests", "Features", "Webhooks", "Verifier.cs"));

        Assert.Contains(Plain(Example("csharp")), Plain(source), StringComparison.Ordinal);

        static string Plain(string code) => Spaces().Replace(code, " ");
    }

    [Theory]
    [InlineData("js", "node", "mjs", """
        import { readFileSync } from 'node:fs'
        for (const each of JSON.parse(readFileSync(process.argv[2], 'utf8')))
          console.log(isValid(each.secret, each.headers, Buffer.from(each.body, 'base64'), each.now))
        """)]
    [InlineData("python", "python3", "py", """
        import json, sys
        for each in json.load(open(sys.argv[1])):
            print(str(is_valid(each["secret"], each["headers"], base64.b64decode(each["body"]), each["now"])).lower())
        """)]
    public async Task An_example_takes_what_is_signed_and_nothing_else(string language, string program, string extension, string run)
    {
        if (!Exists(program))
            return;
        var folder = Directory.CreateTempSubdirectory("chatlogger-webhooks-");
        try
        {
            var (code, cases) = (Path.Combine(folder.FullName, $"verify.{extension}"), Path.Combine(folder.FullName, "cases.json"));
            await File.WriteAllTextAsync(code, $"{Example(language)}\n{run}\n");
            await File.WriteAllTextAsync(cases, JsonSerializer.Serialize(Cases().Select(each => each.Case)));
            var start = new ProcessStartInfo(program, [code, cases]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            var output = await process.StandardOutput.ReadToEndAsync();
            Assert.Equal("", await process.StandardError.ReadToEndAsync());

            Assert.Equal(
                Cases().Select(each => each.IsValid ? "true" : "false"), output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_table_has_all_events() =>
        Assert.All(WebhookEvent.All.Append(WebhookEvent.Test), name => Assert.Contains($"| `{name}` |", Docs, StringComparison.Ordinal));

    private static IEnumerable<(object Case, bool IsValid)> Cases()
    {
        byte[] secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)], other = new byte[32];
        const string Id = "01934f2e-7a21-7c3d-8e4f-5a6b7c8d9e0f";
        const long Now = 1_764_547_200;
        var body = """{"type":"message.created","data":{"text":"Grüße 😀"}}"""u8.ToArray();

        object Signed(byte[][] by, byte[] sent, long at, string id) => new
        {
            secret = WebhookSecrets.Text(secret),
            now = Now,
            body = Convert.ToBase64String(sent),
            headers = new Dictionary<string, string>
            {
                ["webhook-id"] = id,
                ["webhook-timestamp"] = $"{at}",
                ["webhook-signature"] = WebhookSignature.Of(by, Id, at, body),
            },
        };

        yield return (Signed([secret], body, Now, Id), true);
        yield return (Signed([secret], body, Now - 299, Id), true);
        yield return (Signed([other, secret], body, Now, Id), true);
        yield return (Signed([other], body, Now, Id), false);
        yield return (Signed([secret], [.. body, (byte)' '], Now, Id), false);
        yield return (Signed([secret], body, Now, Id + "0"), false);
        yield return (Signed([secret], body, Now - 301, Id), false);
        yield return (Signed([secret], body, Now + 301, Id), false);
    }

    private static string Example(string language) =>
        Regex.Match(Docs, $"```{language}\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;

    private static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
