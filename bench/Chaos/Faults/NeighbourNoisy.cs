using System.Globalization;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Another organization has everything at once: a flood of logins, analyses, exports, and a chat that is locked while plugins write to it.
/// </summary>
internal sealed class NeighbourNoisy() : Fault("neighbour")
{
    private const int Pairs = 3;

    private static readonly TimeSpan Phase = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Ease = TimeSpan.FromMilliseconds(50);

    private readonly List<(double Quiet, double Noisy)> pairs = [];

    public override bool FailsNobody => true;

    public override bool IsShort => false;

    public override double Lasts => 0;

    public override Task Begin(TestEnvironment site) => throw new NotSupportedException();

    public override async Task Begin(TestEnvironment site, Writers writers)
    {
        using var neighbour = await SecondTenant.Of(site);
        await SecondTenant.Settles(site);
        // Plugins below full speed: at full speed they would slow each other down.
        var before = writers.Rest;
        writers.Rest = Ease;
        // Code that runs for the first time is compiled during this warm-up.
        await Noisy(site, neighbour, () => Task.Delay(Phase));
        for (var i = 0; i < Pairs; i++)
        {
            var quiet = await NinetyNinth(writers);
            await Noisy(site, neighbour, async () => pairs.Add((quiet, await NinetyNinth(writers))));
        }
        writers.Rest = before;
    }

    public override Task<string> End(TestEnvironment site)
    {
        var ratio = pairs.Select(pair => pair.Noisy / pair.Quiet).Order().ElementAt(Pairs / 2);
        if (ratio > 3)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"p99 was {ratio:0.0} times what it is in quiet"));
        return Task.FromResult(
            string.Create(
                CultureInfo.InvariantCulture,
                $"p99 in quiet and in noise: "
                    + $"{string.Join(", ", pairs.Select(pair => FormattableString.Invariant($"{pair.Quiet:0} and {pair.Noisy:0} ms")))}"));
    }

    private async Task Noisy(TestEnvironment site, SecondTenant neighbour, Func<Task> meanwhile)
    {
        using var enough = new CancellationTokenSource();
        await using var blocker = await site.Postgres.Connect();
        await using var command = new NpgsqlCommand(
            $"begin; select id from chats where org_id = (select id from organizations where slug = '{SecondTenant.Slug}') order by id "
                + "limit 1 for update",
            blocker);
        var chat = (Guid)(await command.ExecuteScalarAsync())!;
        var noises = Noises(neighbour, chat, enough.Token).ToList();
        await meanwhile();
        await enough.CancelAsync();
        await blocker.CloseAsync();
        await Task.WhenAll(noises);
        // As if an hour had passed: the next noise is as loud. And logins from this address, the drill's included, do not have to wait.
        await site.Postgres.Execute("delete from password_failures; update exports set created_at = created_at - interval '1 h'");
    }

    private IEnumerable<Task> Noises(SecondTenant neighbour, Guid chat, CancellationToken enough)
    {
        for (var i = 0; i < 8; i++)
        {
            yield return Noise(
                () => neighbour.SendAnonymously("auth/login", new { email = "nobody@next.example", password = "not the password" }),
                enough);
            yield return Noise(
                () => neighbour.Send(HttpMethod.Post, $"orgs/me/chats/{chat}/messages", new { role = "user", content = "waits" }),
                enough);
        }
        for (var i = 0; i < 2; i++)
        {
            yield return Noise(() => neighbour.Send(HttpMethod.Get, "analytics/orgs/me/summary"), enough);
            yield return Noise(() => neighbour.Send(HttpMethod.Post, "exports/orgs/me", new { format = "csv" }), enough);
        }
    }

    private Task Noise(Func<Task<HttpResponseMessage>> make, CancellationToken enough) => Task.Run(
        async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                try
                {
                    using var answer = await make();
                    if ((int)answer.StatusCode >= 500 && (int)answer.StatusCode != 503)
                        Broken.Add(string.Create(CultureInfo.InvariantCulture, $"a neighbour got {(int)answer.StatusCode}"));
                    // A client that is asked to wait retries all the same, but not at once.
                    if ((int)answer.StatusCode is 429 or 503 or 409)
                        await Task.Delay(100, CancellationToken.None);
                }
                catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException)
                {
                    Broken.Add($"a neighbour got no answer: {gone.Message}");
                }
            }
        },
        CancellationToken.None);

    // Of what is sent in one phase.
    private static async Task<double> NinetyNinth(Writers writers)
    {
        writers.TakeLatencies();
        await Task.Delay(Phase);
        var latencies = writers.TakeLatencies();
        latencies.Sort();
        return latencies.Count == 0
            ? throw new UsageException("Nothing was written.")
            : latencies[latencies.Count * 99 / 100].TotalMilliseconds;
    }
}
