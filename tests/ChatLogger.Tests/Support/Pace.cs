using System.Diagnostics;

namespace ChatLogger.Tests.Support;

/// <summary>
/// A stopwatch for what must be done within a bound, that knows how busy the machine is meanwhile: again and again it measures how long a short
/// pause and a little work take, compared with what they take on an idle machine, and stretches the bound by that. A bound is never shortened.
/// </summary>
internal sealed class Pace : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>What the work takes when nothing interrupts it. It is so short that the quickest of many is not interrupted on a busy machine either.</summary>
    private static readonly Lazy<TimeSpan> Undisturbed = new(() => Enumerable.Range(0, 100).Select(_ => Work()).Min());

    private readonly long _start;
    private volatile bool _isEnough;
    private readonly Task _watching;
    private int _rounds;

    private Pace()
    {
        _ = Undisturbed.Value;
        _start = Stopwatch.GetTimestamp();
        _watching = Task.Run(Watch);
    }

    /// <summary>How many times as long as on an idle machine things took since the start, at least 1.</summary>
    public double Slowness => Math.Max(1, Stopwatch.GetElapsedTime(_start) / (Math.Max(1, Volatile.Read(ref _rounds)) * Expected));

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    public static Pace Start() => new();

    /// <summary>No more than so many seconds of an idle machine have passed since the start.</summary>
    public async Task Within(double seconds)
    {
        var elapsed = Elapsed.TotalSeconds;
        var slowness = Slowness;
        _isEnough = true;
        await _watching;
        Assert.True(elapsed <= seconds * slowness, $"It took {elapsed:0.00} s instead of {seconds} s, while the machine took {slowness:0.0} times as long as when idle.");
    }

    // A timer is late by a millisecond on any machine.
    private static TimeSpan Expected => Pause + TimeSpan.FromMilliseconds(1.5) + Undisturbed.Value;

    private async Task Watch()
    {
        while (!_isEnough)
        {
            await Task.Delay(Pause);
            Work();
            Interlocked.Increment(ref _rounds);
        }
    }

    public void Dispose() => _isEnough = true;

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
