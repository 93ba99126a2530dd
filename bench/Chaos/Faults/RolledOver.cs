using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Instances are replaced one after the other, by SIGTERM, as in a deployment: the next one serves before the old one is told to stop,
/// and the load balancer checks /healthz/ready. No caller may notice.
/// </summary>
internal sealed class RolledOver() : Fault("restart")
{
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(30);

    private readonly List<string> told = [];

    public override bool FailsNobody => true;

    public override bool LeavesService => false;

    public override double Lasts => 0;

    public override async Task Begin(TestEnvironment site)
    {
        for (var i = 0; i < 2; i++)
        {
            var (old, next) = (site.Service, await site.Launch());
            var since = TimeProvider.System.GetTimestamp();
            var outcome = old.Terminate(LongestEnd);
            var notReady = await UntilNotReady(old.Port);
            site.Serves(next);
            var code = await outcome;
            told.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"not ready after {notReady.TotalSeconds:0.00} s, ended after "
                        + $"{TimeProvider.System.GetElapsedTime(since).TotalSeconds:0.0} s"));
            if (code != 0)
                Broken.Add(code is null ? "it did not end within 30 s" : $"its exit code was {code}");
            await old.DisposeAsync();
        }
    }

    public override Task<string> End(TestEnvironment site) => Task.FromResult(string.Join("; ", told));

    private async Task<TimeSpan> UntilNotReady(int port)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var since = TimeProvider.System.GetTimestamp();
        var ready = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/healthz/ready"));
        try
        {
            while ((int)(await http.GetAsync(ready)).StatusCode != 503)
                await Task.Delay(10);
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            Broken.Add($"it never said that it is not ready: {failure.Message}");
        }
        return TimeProvider.System.GetElapsedTime(since);
    }
}
