using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Http;

/// <summary>The timeouts of the server. Section <c>Server</c>.</summary>
internal sealed record ServerSettings
{
    public const string Section = "Server";

    /// <summary>The minimum data rate is not enforced during these first seconds.</summary>
    public static readonly TimeSpan RateGrace = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The time for all database work of a request, waiting included. Default 4 s: the response is out within 5 s, also on a busy machine.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan DatabaseDeadline { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>The same for an analytics query. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan AnalyticsDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same for a synchronous export. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan SyncExportDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time for a request's body to arrive. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The time for a request's headers to arrive. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The minimum data rate of a caller that sends or reads, in bytes per second, after 5 s. Default 240; slower connections are closed.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MinDataRate { get; init; } = 240;

    /// <summary>The total bytes of bodies larger than 64 KiB buffered at once. Default 64 MiB; beyond it requests get 503.</summary>
    [Range(1_048_576, 1_073_741_824)]
    public int BodyBytes { get; init; } = 64 * 1_048_576;

    /// <summary>The idle time of a connection between requests. Default 65 s, longer than the 60 s of common load balancers.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(65);
}
