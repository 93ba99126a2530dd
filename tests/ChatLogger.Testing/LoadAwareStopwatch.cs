using System.Diagnostics;
using System.Globalization;

namespace ChatLogger.Testing;

/// <summary>
/// A stopwatch for time limits that accounts for the load of the machine: again and again it measures how long a
/// short pause and a little work take, compared with an idle machine, and counts the runnable threads, because
/// schedulers prefer threads that sleep a lot. It extends the limit by the greater of the two, and never shortens it.
/// </summary>
internal sealed class LoadAwareStopwatch : IDisposable
{
    private const string Load = "/proc/loadavg";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// What the work takes when nothing interrupts it. It is so short that the quickest of many is not interrupted on a busy machine
    /// either.
    /// </summary>
    private static readonly Lazy<TimeSpan> Undisturbed = new(() => Enumerable.Range(0, 100).Select(_ => Work()).Min());

    private readonly long _start;
    private volatile bool _isEnough;
    private readonly Task _watching;
    private int _rounds;
    private long _wanted;

    private LoadAwareStopwatch()
    {
        _ = Undisturbed.Value;
        _start = Stopwatch.GetTimestamp();
        _watching = Task.Run(Watch);
    }

    /// <summary>How many times as long as on an idle machine things took since the start, at least 1.</summary>
    public double Slowness
    {
        get
        {
            var rounds = Math.Max(1, Volatile.Read(ref _rounds));
            var wanted = (double)Interlocked.Read(ref _wanted) / rounds / Environment.ProcessorCount;
            return Math.Max(1, Math.Max(wanted, Stopwatch.GetElapsedTime(_start) / (rounds * Expected)));
        }
    }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    public static LoadAwareStopwatch Start() => new();

    /// <summary>No more than so many seconds of an idle machine have passed since the start.</summary>
    public async Task Within(double seconds)
    {
        var elapsed = Elapsed.TotalSeconds;
        var slowness = Slowness;
        _isEnough = true;
        await _watching;
        Assert.True(
            elapsed <= seconds * slowness,
            $"It took {elapsed:0.00} s instead of {seconds} s, while the machine took {slowness:0.0} times as long as when idle.");
    }

    // A timer is late by a millisecond on any machine.
    private static TimeSpan Expected => Pause + TimeSpan.FromMilliseconds(1.5) + Undisturbed.Value;

    private async Task Watch()
    {
        while (!_isEnough)
        {
            await Task.Delay(Pause);
            Work();
            Interlocked.Add(ref _wanted, Runnable());
            Interlocked.Increment(ref _rounds);
        }
    }

    /// <summary>How many threads of all processes run or would run if they could; 0 where it is not known.</summary>
    private static int Runnable() =>
        File.Exists(Load) ? int.Parse(File.ReadAllText(Load).Split(' ')[3].Split('/')[0], CultureInfo.InvariantCulture) : 0;

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
