using System.ComponentModel.DataAnnotations;

namespace ChatLogger.LiveEvents;

/// <summary>Settings of the streams of live events. Section <c>Live</c>.</summary>
internal sealed record LiveSettings
{
    public const string Section = "Live";

    /// <summary>How often an instance asks for new events while somebody follows, 50 ms to 10 s. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:10")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>After so long without an event a stream sends a comment, 1 s to 5 min. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The number of streams that a member may have open on an instance, 1 to 1,000; beyond it 429. Default 5.</summary>
    [Range(1, 1_000)]
    public int StreamsPerMember { get; init; } = 5;

    /// <summary>The number of streams that an instance serves, 1 to 100,000; beyond it 429. Default 1,000.</summary>
    [Range(1, 100_000)]
    public int Streams { get; init; } = 1_000;
}
