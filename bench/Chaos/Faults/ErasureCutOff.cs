using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>kill -9 of the service in the middle of the erasure of an end user: the next start finishes it, and nothing is left.</summary>
internal sealed class ErasureCutOff() : Fault("erasure")
{
    private const int Batches = 5;
    private const int ChatsInBatch = 40;
    private const int Chats = Batches * ChatsInBatch;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>Also what their messages say, so that they can be found without the chats.</summary>
    private readonly string endUser = $"erased-{Guid.NewGuid():N}";

    private bool isAccepted;

    public override int Rounds => 5;

    // A test of its own kills it more often.
    public override bool IsShort => false;

    public override double Lasts => 0.05;

    public override bool LeavesService => false;

    public override async Task Begin(TestEnvironment site)
    {
        using var http = site.Connect();
        for (var batch = 0; batch < Batches; batch++)
            await Write(http, site);
        var admin = await site.LogIn(http);
        var accepted = Accept(http, admin);
        // Somewhere between the acceptance and the last row.
        var remaining = Random.Shared.Next(2 * Chats + 1);
        while (await Left(site, "erasures", "external_user_id") == 0 && !accepted.IsCompleted)
            await Task.Delay(1);
        while (await Left(site, "messages", "content") > remaining)
            await Task.Delay(1);
        await site.KillService();
        try
        {
            isAccepted = await accepted;
        }
        catch (HttpRequestException)
        {
            // It was killed before the answer. What was begun goes on all the same.
        }
    }

    public override async Task<string> End(TestEnvironment site)
    {
        var remaining = await Left(site, "messages", "content");
        await site.StartService();
        using var http = site.Connect();
        var admin = await site.LogIn(http);
        if (!isAccepted && await Left(site, "erasures", "external_user_id") == 0 && await Left(site, "chats", "external_user_id") > 0)
            await Accept(http, admin);
        var since = TimeProvider.System.GetTimestamp();
        while (await site.Postgres.Count("select count(*) from erasures where state <> 'done'") > 0)
        {
            if (TimeProvider.System.GetElapsedTime(since) > Timeout)
            {
                Broken.Add("the erasure is not finished a minute after the start");
                return "";
            }
            await Task.Delay(20);
        }
        foreach (var (table, column) in new[] { ("chats", "external_user_id"), ("messages", "content"), ("erasures", "external_user_id") })
        {
            if (await Left(site, table, column) is > 0 and var rows)
                Broken.Add($"{rows} rows of {table} have what was erased");
        }
        using var list = await http.SendAsync(admin.Ask($"orgs/{TestEnvironment.Slug}/erasures"));
        var erasure = (await Problem.Json(list)).GetProperty("items")[0];
        var counted = (erasure.GetProperty("chats").GetInt64(), erasure.GetProperty("messages").GetInt64());
        if (counted != (Chats, Chats * 2))
            Broken.Add($"the receipt counts {counted.Item1} chats and {counted.Item2} messages of {Chats} and {Chats * 2}");
        return string.Create(CultureInfo.InvariantCulture, $"killed with {remaining} of {Chats * 2} messages left");
    }

    private async Task Write(HttpClient http, TestEnvironment site)
    {
        var items = Enumerable.Range(0, ChatsInBatch).SelectMany(at => new object[]
        {
            new { type = "chat", @ref = $"c{at}", externalUserId = endUser },
            new { type = "message", chatRef = $"c{at}", role = "user", content = endUser },
            new { type = "message", chatRef = $"c{at}", role = "assistant", content = endUser },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/v1/orgs/{TestEnvironment.Slug}/batch")
        {
            Content = JsonContent.Create(new { items }),
        };
        request.Headers.Add("x-organization-api-key", site.Key);
        using var answer = await http.SendAsync(request);
        var results = (await Problem.Json(answer)).GetProperty("results");
        if (results.EnumerateArray().Any(result => result.GetProperty("status").GetInt32() != (int)HttpStatusCode.Created))
            throw new UsageException("The chats of the end user were not taken.");
    }

    private async Task<bool> Accept(HttpClient http, DashboardClient admin)
    {
        var request = admin.Ask($"orgs/{TestEnvironment.Slug}/erasures");
        request.Method = HttpMethod.Post;
        request.Content = JsonContent.Create(new { externalUserId = endUser });
        using var answer = await http.SendAsync(request);
        return answer.StatusCode == HttpStatusCode.Accepted;
    }

    private Task<long> Left(TestEnvironment site, string table, string column) =>
        site.Postgres.Count($"select count(*) from {table} where {column} = '{endUser}'");
}
