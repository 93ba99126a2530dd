using System.Diagnostics;

namespace ChatLogger.Tests.Support;

/// <summary>
/// A stopwatch for what must be done within a bound, that knows how busy the machine is meanwhile: again and again it measures how long a short
/// pause and a little work take, compared with what they take on an idle machine, and stretches the bound by that. A bound is never shortened.
/// </summary>
internal sealed class Pace
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>What the work takes when nothing interrupts it. It is so short that the quickest of many is not interrupted on a busy machine either.</summary>
    private static readonly Lazy<TimeSpan> Undisturbed = new(() => Enumerable.Range(0, 100).Select(_ => Work()).Min());

    private readonly long _start;
    private volatile bool _isEnough;
    private readonly Task<double> _slowness;

    private Pace()
    {
        _ = Undisturbed.Value;
        _slowness = Task.Run(Watch);
        _start = Stopwatch.GetTimestamp();
    }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    public static Pace Start() => new();

    /// <summary>No more than so many seconds of an idle machine have passed since the start.</summary>
    public async Task Within(double seconds)
    {
        var elapsed = Elapsed.TotalSeconds;
        _isEnough = true;
        var slowness = await _slowness;
        Assert.True(elapsed <= seconds * slowness, $"It took {elapsed:0.00} s instead of {seconds} s, while the machine took {slowness:0.0} times as long as when idle.");
    }

    private async Task<double> Watch()
    {
        var start = Stopwatch.GetTimestamp();
        var rounds = 0;
        do
        {
            await Task.Delay(Pause);
            Work();
            rounds++;
        }
        while (!_isEnough);
        return Math.Max(1, Stopwatch.GetElapsedTime(start) / (rounds * (Pause + TimeSpan.FromMilliseconds(1.2) + Undisturbed.Value)));
    }

    private static TimeSpan Work()
    {
        var start = Stopwatch.GetTimestamp();
        var sum = 0u;
        for (var i = 0u; i < 200_000; i++)
            sum = sum * 31 + i;
        GC.KeepAlive(sum);
        return Stopwatch.GetElapsedTime(start);
    }
}
