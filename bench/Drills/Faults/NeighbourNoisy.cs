using System.Globalization;
using Npgsql;

namespace ChatLogger.Bench.Drills;

/// <summary>Another organization has everything at once: a flood of logins, analyses, exports, and a chat that is locked while plugins write to it.</summary>
internal sealed class NeighbourNoisy() : Fault("neighbour")
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Ease = TimeSpan.FromMilliseconds(50);

    private volatile bool enough;
    private readonly List<Task> noises = [];
    private Neighbour? neighbour;
    private NpgsqlConnection? blocker;
    private Writers? measured;
    private double idle;

    public override bool FailsNobody => true;

    public override bool IsShort => false;

    public override double Lasts => 2;

    public override Task Begin(Site site) => throw new NotSupportedException();

    public override async Task Begin(Site site, Writers writers)
    {
        measured = writers;
        neighbour = await Neighbour.Of(site);
        // Plugins at their ease: with all that they can they would stand in their own way.
        writers.Rest = Ease;
        await Task.Delay(Ease);
        writers.TakeLatencies();
        await Task.Delay(Quiet);
        idle = NinetyNinth(writers.TakeLatencies());

        blocker = await site.Postgres.Connect();
        await using var command = new NpgsqlCommand(
            $"begin; select id from chats where org_id = (select id from organizations where slug = '{Neighbour.Slug}') order by id limit 1 for update", blocker);
        var chat = (Guid)(await command.ExecuteScalarAsync())!;
        for (var i = 0; i < 8; i++)
        {
            Noise(() => neighbour.SendAnonymously("auth/login", new { email = "nobody@next.example", password = "not the password" }));
            Noise(() => neighbour.Send(HttpMethod.Post, $"orgs/{Neighbour.Slug}/chats/{chat}/messages", new { role = "user", content = "waits" }));
        }
        for (var i = 0; i < 2; i++)
        {
            Noise(() => neighbour.Send(HttpMethod.Get, $"analytics/orgs/{Neighbour.Slug}/summary"));
            Noise(() => neighbour.Send(HttpMethod.Post, $"exports/orgs/{Neighbour.Slug}", new { format = "csv" }));
        }
        await Task.Delay(500);
        writers.TakeLatencies();
    }

    public override async Task<string> End(Site site)
    {
        var noisy = NinetyNinth(measured!.TakeLatencies());
        enough = true;
        measured.Rest = TimeSpan.Zero;
        await blocker!.DisposeAsync();
        await Task.WhenAll(noises);
        // Whoever comes from this address would have to wait, the drill itself among them.
        await site.Postgres.Execute("delete from password_failures");
        neighbour!.Dispose();
        if (noisy > 3 * idle)
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"p99 went from {idle:0} to {noisy:0} ms"));
        return string.Create(CultureInfo.InvariantCulture, $"p99 {idle:0} ms in quiet, {noisy:0} ms in noise");
    }

    private void Noise(Func<Task<HttpResponseMessage>> make) => noises.Add(Task.Run(async () =>
    {
        while (!enough)
        {
            try
            {
                using var answer = await make();
                if ((int)answer.StatusCode >= 500 && (int)answer.StatusCode != 503)
                    Broken.Add(string.Create(CultureInfo.InvariantCulture, $"a neighbour got {(int)answer.StatusCode}"));
                // Who is told to wait comes again all the same, only not at once.
                if ((int)answer.StatusCode is 429 or 503 or 409)
                    await Task.Delay(100);
            }
            catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException)
            {
                Broken.Add($"a neighbour got no answer: {gone.Message}");
            }
        }
    }));

    private static double NinetyNinth(List<TimeSpan> latencies)
    {
        latencies.Sort();
        return latencies.Count == 0 ? 0 : latencies[latencies.Count * 99 / 100].TotalMilliseconds;
    }
}
