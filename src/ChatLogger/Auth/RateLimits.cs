using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Auth;

/// <summary>
/// The rate limits. Section <c>RateLimits</c>. Each instance counts for itself, except wrong passwords, which the database counts for all
/// instances.
/// </summary>
internal sealed record RateLimits
{
    public const string Section = "RateLimits";

    /// <summary>False turns off every 429 of these limits; accounts are still locked after wrong passwords. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Requests per key, 1 to 1,000,000 a second, with a burst. Default 2,000/s, burst 4,000.</summary>
    public TokenBucketLimit Ingest { get; init; } = new() { PerSecond = 2_000, Burst = 4_000 };

    /// <summary>Requests per member, all routes together. Default 1,000/s, burst 2,000.</summary>
    public TokenBucketLimit Members { get; init; } = new() { PerSecond = 1_000, Burst = 2_000 };

    /// <summary>Requests per address (/64 for IPv6) with an invalid key, or an invalid token for <c>/metrics</c>. Default 60/min.</summary>
    public PerMinuteLimit InvalidKeys { get; init; } = new() { PerMinute = 60 };

    /// <summary>
    /// Requests per address (/64 for IPv6) with a key that is bound to origins: such a key is in a page, so anybody has it. Each key
    /// counts for itself. Default 120/min.
    /// </summary>
    public PerMinuteLimit Widget { get; init; } = new() { PerMinute = 120 };

    /// <summary>Analytics requests per member. Default 60/min.</summary>
    public PerMinuteLimit Analytics { get; init; } = new() { PerMinute = 60 };

    /// <summary>How often a member may be told that an e-mail address is taken before they cannot name another. Default 30/min.</summary>
    public PerMinuteLimit TakenAddresses { get; init; } = new() { PerMinute = 30 };

    /// <summary>Wrong passwords.</summary>
    public LockoutLimits Login { get; init; } = new();

    internal sealed record TokenBucketLimit
    {
        /// <summary>The rate in the long run.</summary>
        [Range(1, 1_000_000)]
        public int PerSecond { get; init; } = 1;

        /// <summary>The number of requests at once after idle time.</summary>
        [Range(1, 10_000_000)]
        public int Burst { get; init; } = 1;
    }

    internal sealed record PerMinuteLimit
    {
        /// <summary>The number of requests in a minute that begins with the first.</summary>
        [Range(1, 1_000_000)]
        public int PerMinute { get; init; } = 1;
    }

    internal sealed record LockoutLimits
    {
        /// <summary>After this many failures in a window an account is locked for the rest of it, 1 to 1,000. Default 10.</summary>
        [Range(1, 1_000)]
        public int FailuresPerAccount { get; init; } = 10;

        /// <summary>
        /// After this many failures in a window an address (/64 for IPv6) has to wait for its end, 1 to 1,000,000. Default 30.
        /// </summary>
        [Range(1, 1_000_000)]
        public int FailuresPerAddress { get; init; } = 30;

        /// <summary>The window, 1 s to 24 h; it begins with the first failure. Default 15 min.</summary>
        [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
        public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(15);
    }
}
