using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ChatLogger.Bench.Comparison;
using ChatLogger.Bench.Http;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Bench.Verbs;

/// <summary>
/// search: asks for first pages over one connection, of the list, of messages and of searches, frequent and rare, and prints times.
/// </summary>
internal static class SearchVerb
{
    public static Command Create()
    {
        var url = Verb.Url();
        var email = Verb.Email();
        var slug = Verb.Slug();
        var db = new Option<string?>("--db") { Description = "URL of the service's database, postgres://…, to seed (DATABASE_URL)" };
        var messages = new Option<int>("--messages")
        {
            Description = "Fill the organization with so many messages over 90 days first, unless it has them",
            DefaultValueFactory = _ => 0,
        };
        var only = new Option<bool>("--seed-only") { Description = "Fill, wait until all is indexed, and ask nothing" };
        var rounds = new Option<int>("--rounds") { Description = "How often each, in turns", DefaultValueFactory = _ => 3 };
        var requests = new Option<int>("--requests")
        {
            Description = "How many requests a round, one after the other",
            DefaultValueFactory = _ => 20,
        };

        var verb = new Command("search", "Measure the time of first pages: chats, messages, and chats that are searched for words")
        {
            url, email, slug, db, messages, only, rounds, requests,
        };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var (often, many) = (line.Positive(rounds), line.Positive(requests));
            if (line.GetValue(messages) is > 0 and var wanted)
            {
                var database = DatabaseUrl.ToConnectionString("--db", line.Required(db, "DATABASE_URL"));
                await using var source = NpgsqlDataSource.Create($"{database};Command Timeout=0");
                await SearchSeed.Run(source, line.Required(slug, "CHATLOGGER_SLUG"), wanted, stop);
                await Indexed(source, line.Required(slug, "CHATLOGGER_SLUG"), stop);
                if (line.GetValue(only))
                    return Exit.Good;
            }

            using var http = line.Connect(url, 1);
            var client = await DashboardClient.LogIn(
                http, line.Required(email, "CHATLOGGER_EMAIL"), Verb.Password(), new RetryPolicy(TimeProvider.System), stop);
            var newest = (await Get(http, client.Ask("orgs/me/chats?limit=1"), stop)).Page;
            var chat = newest.GetProperty("items")[0].GetProperty("id").GetString();
            (string Name, string Address)[] pages =
            [
                ("chats", "orgs/me/chats"),
                ("messages", $"orgs/me/chats/{chat}/messages"),
                .. SearchSeed.Known.Select(known => (known.Name, $"orgs/me/chats?q={Uri.EscapeDataString(known.Query)}")),
            ];
            await Measure(pages, often, many, address => Get(http, client.Ask(address), stop));
            return Exit.Good;
        }));
        return verb;
    }

    private static async Task Measure(
        (string Name, string Address)[] pages, int rounds, int requests, Func<string, Task<(TimeSpan Time, JsonElement Page)>> get)
    {
        var medians = pages.Select(_ => new List<double>()).ToList();
        var slowest = new double[pages.Length];
        var found = new string[pages.Length];
        for (var round = 0; round <= rounds; round++)
        {
            for (var n = 0; n < pages.Length; n++)
            {
                var times = new List<double>();
                for (var request = 0; request < requests; request++)
                {
                    var (time, page) = await get(pages[n].Address);
                    times.Add(time.TotalMilliseconds);
                    found[n] = page.GetProperty("items").GetArrayLength()
                        + (page.GetProperty("nextCursor").ValueKind == JsonValueKind.Null ? "" : " and more");
                }
                // The first round warms up.
                if (round == 0)
                    continue;
                medians[n].Add(Spread.Of(times).Median);
                slowest[n] = Math.Max(slowest[n], times.Max());
            }
        }
        for (var n = 0; n < pages.Length; n++)
            Print($"{pages[n].Name,-26} {Spread.Of(medians[n]).ToString("0.0"),-24} ms, slowest {slowest[n]:0.0} ms: {found[n]}");
    }

    private static async Task<(TimeSpan Time, JsonElement Page)> Get(HttpClient http, HttpRequestMessage request, CancellationToken stop)
    {
        using (request)
        {
            var started = Stopwatch.GetTimestamp();
            using var response = await http.SendAsync(request, stop);
            var body = await response.Content.ReadAsByteArrayAsync(stop);
            return response.StatusCode == HttpStatusCode.OK
                ? (Stopwatch.GetElapsedTime(started), JsonElement.Parse(body))
                : throw new ServiceException($"There was no page: {await Problem.Of(response)}");
        }
    }

    // The service finds the messages when it next polls, and indexes them at its own pace.
    private static async Task Indexed(NpgsqlDataSource source, string slug, CancellationToken stop)
    {
        while (true)
        {
            await using var command = source.CreateCommand(
                """
                select (select max(seq) from messages where org_id = o.id) - coalesce((select seq from followers where org_id = o.id
                    and follower = 'search_index'), -1)
                from organizations o
                where slug = $1
                """);
            command.Parameters.Add(new() { Value = slug });
            if (await command.ExecuteScalarAsync(stop) is not long left || left <= 0)
                break;
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Waiting for the index: {left} to go"));
            await Task.Delay(TimeSpan.FromSeconds(5), stop);
        }
        await using var vacuum = source.CreateCommand("vacuum analyze search_index, search_terms");
        vacuum.CommandTimeout = 0;
        await vacuum.ExecuteNonQueryAsync(stop);
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
