using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Http;

/// <summary>How long the server waits for whom. Section <c>Server</c>.</summary>
internal sealed record ServerSettings
{
    public const string Section = "Server";

    /// <summary>Nobody is too slow in the first seconds.</summary>
    public static readonly TimeSpan RateGrace = TimeSpan.FromSeconds(5);

    /// <summary>For all that one request asks of the database, waiting included. Default 4 s: the answer is out within 5, also on a busy machine.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan DatabaseDeadline { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>The same for an analysis. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan AnalyticsDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same for an export that is answered at once. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan SyncExportDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For a request's body to arrive. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For a request's headers to arrive. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes a second that a caller sends or takes at least, once it has done so for 5 s. Default 240; who is slower is cut.</summary>
    [Range(1, 1_000_000)]
    public int MinDataRate { get; init; } = 240;

    /// <summary>Bytes of bodies larger than 64 KiB that are held at once, of all requests. Default 64 MiB; more is refused with 503.</summary>
    [Range(1_048_576, 1_073_741_824)]
    public int BodyBytes { get; init; } = 64 * 1_048_576;

    /// <summary>For the next request on an idle connection. Default 65 s, longer than the 60 s of common load balancers.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(65);
}
