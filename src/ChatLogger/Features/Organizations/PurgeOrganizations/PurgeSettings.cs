using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Features;

/// <summary>When the data of deleted organizations and chats is purged. Section <c>Purge</c>.</summary>
internal sealed record PurgeSettings
{
    public const string Section = "Purge";

    /// <summary>The interval between searches for deleted organizations and chats, 10 ms to 1 h. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long after its deletion an organization is checked again, for writes that were in flight, 0 to 1 h. Default 2 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromMinutes(2);
}
