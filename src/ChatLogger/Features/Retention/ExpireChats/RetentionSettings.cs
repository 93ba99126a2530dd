using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Features;

/// <summary>How chats are deleted that their organization does not keep any longer. Section <c>Retention</c>.</summary>
internal sealed record RetentionSettings
{
    public const string Section = "Retention";

    /// <summary>The interval between searches for such chats, 10 ms to 30 min. Default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:30:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How many chats one transaction deletes, while writers of the organization wait, 1 to 10,000. Default 50.</summary>
    [Range(1, 10_000)]
    public int BatchChats { get; init; } = 50;
}
