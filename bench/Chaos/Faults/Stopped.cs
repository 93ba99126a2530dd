using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>The only instance is told to end (SIGTERM) under load, and started again: whatever it took it answers before it goes.</summary>
internal sealed class Stopped() : Fault("stop")
{
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(30);

    private string told = "";

    public override bool LeavesService => false;

    public override bool AnswersAll => true;

    public override double Lasts => 0;

    public override async Task Begin(TestEnvironment site)
    {
        var since = TimeProvider.System.GetTimestamp();
        var code = await site.Service.Terminate(LongestEnd);
        told = string.Create(CultureInfo.InvariantCulture, $"ended after {TimeProvider.System.GetElapsedTime(since).TotalSeconds:0.0} s");
        if (code != 0)
            Broken.Add(code is null ? "it did not end within 30 s" : $"its exit code was {code}");
        await site.Service.DisposeAsync();
    }

    public override async Task<string> End(TestEnvironment site)
    {
        await site.StartService();
        return told;
    }
}
