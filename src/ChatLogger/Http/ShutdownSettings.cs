using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Http;

/// <summary>The timing of the shutdown. Section <c>Shutdown</c>.</summary>
internal sealed record ShutdownSettings
{
    public const string Section = "Shutdown";

    /// <summary>The time for requests in flight, the hand-over of exports and queued writes, once nothing new is accepted.</summary>
    public static readonly TimeSpan FinalResponseTimeout = TimeSpan.FromSeconds(22);

    /// <summary>
    /// How long the service still accepts requests after the stop signal while <c>/healthz/ready</c> already fails, 0 to 5 min: the time
    /// that load balancers need to notice. Default 2 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(2);
}
