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
/// summary: asks for the summary of 30 days, us, the service's statements on the messages themselves, and a peer in turns over one
/// connection each; prints times and ratios.
/// </summary>
internal static class SummaryVerb
{
    private const string ByRows = "by the rows";
    private const string Ours = "analytics/orgs/me/summary?tz=Europe/Amsterdam&top=10";

    public static Command Create()
    {
        var url = Verb.Url();
        var email = Verb.Email();
        var slug = Verb.Slug();
        var peer = new Option<string?>("--peer") { Description = "NAME=URL of another service's summary of 30 days, whole with its query" };
        var peerKey = Verb.PeerKey();
        var db = new Option<string?>("--db")
        {
            Description =
                "URL of the service's database, postgres://…, to seed, and to ask for the same from the messages themselves (DATABASE_URL)",
        };
        var messages = new Option<int>("--messages")
        {
            Description = "Fill the organization with so many messages over 90 days first, unless it has them",
            DefaultValueFactory = _ => 0,
        };
        var rounds = new Option<int>("--rounds") { Description = "How often each", DefaultValueFactory = _ => 3 };
        var requests = new Option<int>("--requests")
        {
            Description = "How many requests a round, one after the other",
            DefaultValueFactory = _ => 5,
        };

        var verb = new Command("summary", "Compare the time of GET /analytics/orgs/me/summary with a peer's, in one run")
        {
            url, email, slug, peer, peerKey, db, messages, rounds, requests,
        };
        verb.SetAction(
            (line, stop) =>
                Verb.Run(async () =>
                {
                    var (often, many) = (line.Positive(rounds), line.Positive(requests));
                    var database = line.GetValue(db) ?? Environment.GetEnvironmentVariable("DATABASE_URL");
                    await using var source = database is null
                        ? null
                        : NpgsqlDataSource.Create(
                            new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString("--db", database)) { CommandTimeout = 0 });
                    if (line.GetValue(messages) is > 0 and var wanted)
                        await AnalyticsSeed.Run(
                            source ?? throw new UsageException("--db (or DATABASE_URL) is needed."),
                            line.Required(slug, "CHATLOGGER_SLUG"),
                            wanted,
                            stop);

                    using var http = line.Connect(url, 1);
                    var client = await DashboardClient.LogIn(
                        http,
                        line.Required(email, "CHATLOGGER_EMAIL"),
                        Verb.Password(),
                        new RetryPolicy(TimeProvider.System),
                        stop);
                    var contenders = new List<(string Name, Func<Task<(TimeSpan Time, byte[] Body)>> Get)>
                    {
                        ("ours", () => Get("ours", http, client.Ask(Ours), stop)),
                    };
                    if (source is not null)
                    {
                        var rows = await SummaryFromRows.Of(source, line.Required(slug, "CHATLOGGER_SLUG"), stop);
                        await rows.Aggregated(stop);
                        contenders.Add((ByRows, () => rows.Get(stop)));
                    }

                    var theirs = line.GetValue(peer) is { } text ? Peer.Parse(peer.Name, text) : null;
                    using var peerHttp = theirs is null ? null : Verb.Connect(theirs.Address, 1);
                    if (theirs is not null)
                    {
                        var key = line.Required(peerKey, "CHATLOGGER_PEER_KEY");
                        contenders.Add((theirs.Name, () => Get(theirs.Name, peerHttp!, Keyed(theirs.Address, key), stop)));
                    }
                    await Compare(contenders, often, many);
                    return Exit.Good;
                }));
        return verb;
    }

    private static async Task Compare(
        List<(string Name, Func<Task<(TimeSpan Time, byte[] Body)>> Get)> contenders,
        int rounds,
        int requests)
    {
        // The first responses warm up and show that the summary is not empty.
        var first = default(JsonElement);
        foreach (var (name, get) in contenders)
        {
            var answer = JsonElement.Parse((await get()).Body);
            Print($"{name}: {answer.GetRawText().Length} characters{Messages(answer)}");
            if (name == ByRows && SummaryFromRows.Difference(answer, first) is { } difference)
                throw new ServiceException($"The summary is not what the rows come to: {difference}");
            if (first.ValueKind == JsonValueKind.Undefined)
                first = answer;
            await get();
        }

        var medians = contenders.Select(_ => new List<double>()).ToList();
        for (var round = 1; round <= rounds; round++)
        {
            for (var n = 0; n < contenders.Count; n++)
            {
                var times = new List<double>();
                for (var request = 0; request < requests; request++)
                    times.Add((await contenders[n].Get()).Time.TotalMilliseconds);
                medians[n].Add(Spread.Of(times).Median);
                Print($"round {round}: {contenders[n].Name} {Spread.Of(times).ToString("0.0")} ms");
            }
        }
        for (var n = 0; n < contenders.Count; n++)
            Print($"{contenders[n].Name}: {Spread.Of(medians[n]).ToString("0.0")} ms");
        for (var n = 1; n < contenders.Count; n++)
        {
            var ratio = Spread.OfRatios(medians[n], medians[0]).ToString("0.00");
            Print($"{contenders[n].Name} : ours = {ratio}, more than 1 where ours is faster");
        }
    }

    private static async Task<(TimeSpan Time, byte[] Body)> Get(
        string name,
        HttpClient http,
        HttpRequestMessage request,
        CancellationToken stop)
    {
        using (request)
        {
            var started = Stopwatch.GetTimestamp();
            using var response = await http.SendAsync(request, stop);
            var body = await response.Content.ReadAsByteArrayAsync(stop);
            return response.StatusCode == HttpStatusCode.OK
                ? (Stopwatch.GetElapsedTime(started), body)
                : throw new ServiceException($"{name} gave no summary: {await Problem.Of(response)}");
        }
    }

    private static HttpRequestMessage Keyed(Uri address, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Add("x-organization-api-key", key);
        return request;
    }

    private static string Messages(JsonElement summary) =>
        summary.TryGetProperty("totals", out var totals) && totals.TryGetProperty("messages", out var messages)
            ? $", of {messages} messages"
            : "";

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
