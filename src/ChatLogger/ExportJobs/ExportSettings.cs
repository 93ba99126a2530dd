using System.ComponentModel.DataAnnotations;
using ChatLogger.Configuration;

namespace ChatLogger.ExportJobs;

/// <summary>Settings of the export workers and limits of exports per organization. Section <c>Exports</c>.</summary>
internal sealed record ExportSettings
{
    public const string Section = "Exports";

    /// <summary>Exports that this instance writes at a time, 0 to 16; with 0 it leaves them to other instances. Default 2.</summary>
    [Range(0, 16)]
    public int Workers { get; init; } = 2;

    /// <summary>How often an idle instance polls the queue, 10 ms to 1 min. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often expired files and the remains of broken ones are cleaned up, 10 ms to 1 h. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan Sweep { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a lease lasts without being renewed, 100 ms to 1 h. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a worker renews its lease, 10 ms to 20 min, at most half a lease. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:20:00")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The hard limit: how long all attempts at an export together may take, 100 ms to 24 h. Default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan HardLimit { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The maximum number of attempts at an export, 1 to 100. Default 5.</summary>
    [Range(1, 100)]
    public int Attempts { get; init; } = 5;

    /// <summary>How long a file can be downloaded, 1 min to 366 days. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "366.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How long an export pauses while plugins write through this instance, as a multiple of the time it has worked, 0 to 10; with 0 it
    /// never pauses. Default 1: it pauses half of the time.
    /// </summary>
    [Range(0.0, 10.0)]
    public double Yield { get; init; } = 1;

    /// <summary>Exports of an organization that run at a time, on all instances together, 1 to 100. Default 2.</summary>
    [Range(1, 100)]
    public int Running { get; init; } = 2;

    /// <summary>The maximum number of queued exports of an organization, 1 to 10,000. Default 10.</summary>
    [Range(1, 10_000)]
    public int Queued { get; init; } = 10;

    /// <summary>Exports that an organization may request within any hour, 1 to 100,000. Default 20.</summary>
    [Range(1, 100_000)]
    public int PerHour { get; init; } = 20;

    /// <summary>The maximum number of messages of a synchronous export, 0 to 1,000,000. Default 10,000.</summary>
    [Range(0, 1_000_000)]
    public int SyncMessages { get; init; } = 10_000;

    /// <summary>The maximum file size of a synchronous export in bytes, 1 KiB to 1 GiB. Default 32 MiB.</summary>
    [Range(1_024, 1_073_741_824)]
    public int SyncBytes { get; init; } = 33_554_432;

    /// <summary>A directory for the files, shared by all instances. Default: none, the files are stored in the database.</summary>
    public string? Directory { get; init; }

    /// <exception cref="StartupException">A setting is out of its range, or two settings contradict each other.</exception>
    public static ExportSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<ExportSettings>(configuration, Section);
        // A worker may miss one renewal. With a lease shorter than two intervals a single delay would hand an export over while it is being
        // written.
        return settings.Heartbeat * 2 <= settings.Lease
            ? settings
            : throw new StartupException($"{Section}__Heartbeat must be at most half of {Section}__Lease.");
    }
}
