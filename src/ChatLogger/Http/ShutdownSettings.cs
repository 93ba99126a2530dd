using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Http;

/// <summary>How the service ends. Section <c>Shutdown</c>.</summary>
internal sealed record ShutdownSettings
{
    public const string Section = "Shutdown";

    /// <summary>For requests in flight, exports to hand over and what is queued, once nothing new is accepted.</summary>
    public static readonly TimeSpan FinalResponseTimeout = TimeSpan.FromSeconds(22);

    /// <summary>
    /// How long requests are still accepted after the signal to stop, while <c>/healthz/ready</c> already says no, 0 to 5 min: the time that load
    /// balancers need to notice. Default 2 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(2);
}
