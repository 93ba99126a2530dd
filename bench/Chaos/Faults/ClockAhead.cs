using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>Half of all connections go to an instance whose clock is two hours ahead.</summary>
internal sealed class ClockAhead() : Fault("clock")
{
    private const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    private Instance? ahead;

    public override bool IsShort => false;

    public override bool FailsNobody => true;

    public override string? Missing => File.Exists(Library) ? null : "libfaketime is not installed: apt-get install libfaketime";

    public override async Task Begin(TestEnvironment site)
    {
        ahead = await site.Launch(
            ("LD_PRELOAD", Library),
            ("FAKETIME", "+2h"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"));
        site.ServiceProxy.Other = ahead.Port;
        // A client that keeps a connection reaches the other instance with the next one, a second later.
        await Task.Delay(TimeSpan.FromSeconds(2));
    }

    public override async Task<string> End(TestEnvironment site)
    {
        site.ServiceProxy.Other = 0;
        if (await ahead!.Terminate(TimeSpan.FromSeconds(30)) != 0)
            Broken.Add("the instance ahead did not end well");
        await ahead.DisposeAsync();
        var written = await site.Postgres.Count("select count(*) from messages where created_at > now() + interval '1 h'");
        if (written == 0)
            Broken.Add("nothing was written by the instance ahead");
        return string.Create(CultureInfo.InvariantCulture, $"{written} messages written by the instance ahead");
    }
}
