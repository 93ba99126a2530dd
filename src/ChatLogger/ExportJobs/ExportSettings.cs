using System.ComponentModel.DataAnnotations;
using ChatLogger.Configuration;

namespace ChatLogger.ExportJobs;

/// <summary>How exports are worked on, and how many an organization may have. Section <c>Exports</c>.</summary>
internal sealed record ExportSettings
{
    public const string Section = "Exports";

    /// <summary>Exports this instance writes at a time, 0 to 16; with 0 it leaves them to the others. Default 2.</summary>
    [Range(0, 16)]
    public int Workers { get; init; } = 2;

    /// <summary>How often an idle instance looks for something to do, 10 ms to 1 min. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often files whose time is over, and what is left of broken ones, are looked for, 10 ms to 1 h. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan Sweep { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an export stays with a worker that is not heard of, 100 ms to 1 h. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a worker is heard of, 10 ms to 20 min, at most half a lease. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:20:00")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an export may be worked on, all attempts together, 100 ms to 24 h. Default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan HardLimit { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How often an export is begun before it is given up, 1 to 100. Default 5.</summary>
    [Range(1, 100)]
    public int Attempts { get; init; } = 5;

    /// <summary>How long a file can be fetched, 1 min to 366 days. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "366.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How long an export rests while plugins write through this instance, as a multiple of the time it has worked, 0 to 10; with 0 it never does.
    /// Default 1: half of the time.
    /// </summary>
    [Range(0.0, 10.0)]
    public double Yield { get; init; } = 1;

    /// <summary>Exports of an organization that run at a time, on all instances together, 1 to 100. Default 2.</summary>
    [Range(1, 100)]
    public int Running { get; init; } = 2;

    /// <summary>Exports of an organization that wait, 1 to 10,000. Default 10.</summary>
    [Range(1, 10_000)]
    public int Queued { get; init; } = 10;

    /// <summary>Exports an organization may ask for in any hour, 1 to 100,000. Default 20.</summary>
    [Range(1, 100_000)]
    public int PerHour { get; init; } = 20;

    /// <summary>Messages of an export that is answered at once, 0 to 1,000,000. Default 10,000.</summary>
    [Range(0, 1_000_000)]
    public int SyncMessages { get; init; } = 10_000;

    /// <summary>The file of an export that is answered at once, in bytes, 1 KiB to 1 GiB. Default 32 MiB.</summary>
    [Range(1_024, 1_073_741_824)]
    public int SyncBytes { get; init; } = 33_554_432;

    /// <summary>A directory for the files, the same one for all instances. Default: none, the files are in the database.</summary>
    public string? Directory { get; init; }

    /// <exception cref="StartupException">A setting is out of its range, or two do not go together.</exception>
    public static ExportSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<ExportSettings>(configuration, Section);
        // One heartbeat may be missed; a lease that ends between two would hand every export over in the middle.
        return settings.Heartbeat * 2 <= settings.Lease
            ? settings
            : throw new StartupException($"{Section}__Heartbeat must be at most half of {Section}__Lease.");
    }
}
