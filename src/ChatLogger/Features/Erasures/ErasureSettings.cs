using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Features;

/// <summary>How the chats of end users and members are erased. Section <c>Erasure</c>.</summary>
internal sealed record ErasureSettings
{
    public const string Section = "Erasure";

    /// <summary>The interval between searches for erasures that are not done, 10 ms to 10 min. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many chats one transaction hides, while writers of the organization wait, 1 to 10,000. Default 50.</summary>
    [Range(1, 10_000)]
    public int BatchChats { get; init; } = 50;
}
