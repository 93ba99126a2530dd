using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Features;

/// <summary>When what deleted organizations and chats kept is removed. Section <c>Purge</c>.</summary>
internal sealed record PurgeSettings
{
    public const string Section = "Purge";

    /// <summary>How often deleted organizations and chats are looked for, 10 ms to 1 h. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For how long after its deletion an organization is looked at again, for what was under way, 0 to 1 h. Default 2 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromMinutes(2);
}
