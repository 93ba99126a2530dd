using System.Globalization;
using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Import;

/// <summary>What one organization exports, another imports; its export is then equal but for ids and the time of the last change.</summary>
public class RoundTripTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private static readonly string[] Texts =
        ["Hi", "", " leading", "=1+1", "'quoted", "a\nb\r\nc", "\"\\\t", "Größe 😀 \u202e", "data:image/png;base64,AAEC", "null", ",;|"];

    [Theory]
    [InlineData("jsonl", 1)]
    [InlineData("json", 2)]
    [InlineData("jsonl", 3)]
    public async Task An_export_of_an_import_of_an_export_is_equal(string format, int seed)
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        await Fill(acme, new Random(seed));
        var admin = await acme.Admin();
        var exported = await Imports.Export(admin, format);

        using var imports = new Imports();
        var outcome = await imports.Run(globex, app.Http, await globex.Key(KeyScope.Ingest, KeyScope.Import), exported, "chats.json");

        Assert.True(outcome.Counts.Refused == 0, outcome.Report);
        Assert.Equal(40, outcome.Counts.Chats);
        Assert.Contains($"format     {format}", outcome.Report, StringComparison.Ordinal);
        var again = await Imports.Export(await globex.Admin());
        Assert.Equal(Imports.WithoutIds(await Imports.Export(admin)), Imports.WithoutIds(again));

        // And once more into the same organization, with a journal of its own: nothing is doubled.
        using var repeated = new Imports();
        var reader = await globex.Key(KeyScope.Ingest, KeyScope.Import, KeyScope.Read);
        var second = await repeated.Run(globex, app.Http, reader, exported, "chats.json");
        Assert.Equal((0, 40, 0, 0), (second.Counts.Chats, second.Counts.ChatsThere, second.Counts.Messages, second.Counts.Refused));
        Assert.Equal(again, await Imports.Export(await globex.Admin()));
    }

    [Fact]
    public async Task A_table_that_the_service_exported_has_all_its_columns()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        await Fill(acme, new Random(4));
        var admin = await acme.Admin();
        var exported = await Imports.Export(admin, "csv");

        using var imports = new Imports();
        var outcome = await imports.Run(globex, app.Http, await globex.Key(KeyScope.Ingest, KeyScope.Import), exported, "chats.csv");

        Assert.True(outcome.Counts.Refused == 0, outcome.Report);
        Assert.Equal(
            System.Text.RegularExpressions.Regex.Replace(exported, "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", "…"),
            System.Text.RegularExpressions.Regex.Replace(
                await Imports.Export(await globex.Admin(), "csv"), "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", "…"));
    }

    [Fact]
    public async Task Members_are_mapped_or_their_chats_become_nobodys_and_the_report_says_so()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var (ann, bob, here) = (await acme.Member("user"), await acme.Member("user"), await globex.Member("user"));
        await acme.Chat(new { title = "Ann's", userId = ann.Id });
        await acme.Chat(new { title = "Bob's", userId = bob.Id });
        using var imports = new Imports { Users = new Dictionary<string, string> { [ann.Id.ToString()] = here.Id.ToString() } };

        var outcome = await imports.Run(
            globex, app.Http, await globex.Key(KeyScope.Ingest, KeyScope.Import), await Imports.Export(await acme.Admin()));

        var users = (await Imports.Export(await globex.Admin())).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonElement.Parse(line).GetProperty("userId").GetString());
        Assert.Equal([here.Id.ToString(), null], users);
        Assert.Contains("1 chats became nobody's", outcome.Report, StringComparison.Ordinal);
    }

    /// <summary>Makes chats of everything that the API takes.</summary>
    private static async Task Fill(Org org, Random random)
    {
        var importer = org.App.Stranger.WithKey(await org.Key(KeyScope.Ingest, KeyScope.Import));
        var start = new DateTimeOffset(2024, 3, 30, 23, 0, 0, TimeSpan.Zero);
        for (var chat = 0; chat < 40; chat++)
        {
            var items = new List<object>
            {
                new Dictionary<string, object?>
                {
                    ["type"] = "chat",
                    ["ref"] = "c",
                    ["externalId"] = random.Next(3) == 0 ? $"own-{chat}-{random.Next()}" : null,
                    ["title"] = Text(random),
                    ["tags"] = random.Next(2) == 0 ? new[] { "b", "ä" } : [],
                    ["metadata"] = Json("""{"n":1.50,"big":12345678901234567890,"deep":{"a":[null,true,"é"]}}"""),
                    ["externalUserId"] = random.Next(2) == 0 ? "visitor" : null,
                    ["createdAt"] = Time(start.AddSeconds(chat)),
                },
            };
            for (var message = 0; message < random.Next(1, 8); message++)
            {
                var role = message % 4 == 3 ? "tool" : message % 2 == 0 ? "user" : "assistant";
                items.Add(new Dictionary<string, object?>
                {
                    ["type"] = "message",
                    ["chatRef"] = "c",
                    ["ref"] = $"m{message}",
                    ["role"] = role,
                    ["content"] = random.Next(4) == 0 ? null : $"{Text(random)}.",
                    ["parts"] = Json(
                        """[{"type":"text","text":"part"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAEC"}}]"""),
                    ["toolCalls"] = role == "assistant" ? Json("""[{"id":"c1","name":"f","arguments":{"x":1.0}}]""") : null,
                    ["toolCallId"] = role == "tool" ? "c1" : null,
                    ["name"] = random.Next(3) == 0 ? "nämé" : null,
                    ["metadata"] = Json("""{"k":"\u00e9","v":-0.0}"""),
                    ["model"] = role == "assistant" ? "gpt" : null,
                    ["latencyMs"] = role == "assistant" ? random.Next(5000) : null,
                    ["tokenCount"] = random.Next(3) == 0 ? 3 : null,
                    ["promptTokens"] = random.Next(3) == 0 ? 2 : null,
                    ["completionTokens"] = random.Next(3) == 0 ? 1 : null,
                    ["createdAt"] = Time(start.AddSeconds(chat).AddMilliseconds(random.Next(100_000))),
                });
                if (random.Next(3) == 0)
                    items.Add(Feedback(random, $"m{message}", start));
            }
            if (random.Next(2) == 0)
                items.Add(Feedback(random, null, start));
            var answer = await importer.Post($"{org.ApiPath}/batch", new { items });
            Assert.All(
                answer.Is(207)["results"].EnumerateArray(), result => Assert.InRange(result.GetProperty("status").GetInt32(), 200, 201));
        }
    }

    private static Dictionary<string, object?> Feedback(Random random, string? message, DateTimeOffset start) => new()
    {
        ["type"] = "feedback",
        ["chatRef"] = "c",
        ["messageRef"] = message,
        ["rating"] = random.Next(2) == 0 ? "up" : "down",
        ["comment"] = random.Next(2) == 0 ? $"{Text(random)}!" : null,
        ["createdAt"] = Time(start.AddMinutes(random.Next(1000))),
    };

    private static string Text(Random random) => Texts[random.Next(Texts.Length)];

    private static JsonElement Json(string text) => JsonElement.Parse(text);

    private static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
