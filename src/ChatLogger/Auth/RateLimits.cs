using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Auth;

/// <summary>
/// How much a caller may do in how much time. Section <c>RateLimits</c>. Each instance counts for itself, except wrong passwords, which the
/// database counts for all.
/// </summary>
internal sealed record RateLimits
{
    public const string Section = "RateLimits";

    /// <summary>False: nothing here is answered with 429. Accounts are locked after wrong passwords all the same. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Requests with a key, 1 to 1,000,000 a second, and as many more at once. Default 2,000/s, burst 4,000.</summary>
    public TokenBucketLimit Ingest { get; init; } = new() { PerSecond = 2_000, Burst = 4_000 };

    /// <summary>Requests of a member, all routes together. Default 1,000/s, burst 2,000.</summary>
    public TokenBucketLimit Members { get; init; } = new() { PerSecond = 1_000, Burst = 2_000 };

    /// <summary>Requests of an address (/64 for IPv6) with a key, or a token for <c>/metrics</c>, that is not valid. Default 60/min.</summary>
    public PerMinuteLimit InvalidKeys { get; init; } = new() { PerMinute = 60 };

    /// <summary>Analytics of a member. Default 60/min.</summary>
    public PerMinuteLimit Analytics { get; init; } = new() { PerMinute = 60 };

    /// <summary>Times that a member may be told that an e-mail address is taken; after that they cannot name one. Default 30/min.</summary>
    public PerMinuteLimit TakenAddresses { get; init; } = new() { PerMinute = 30 };

    /// <summary>Wrong passwords.</summary>
    public LockoutLimits Login { get; init; } = new();

    internal sealed record TokenBucketLimit
    {
        /// <summary>How many in the long run.</summary>
        [Range(1, 1_000_000)]
        public int PerSecond { get; init; } = 1;

        /// <summary>How many at once, after a rest.</summary>
        [Range(1, 10_000_000)]
        public int Burst { get; init; } = 1;
    }

    internal sealed record PerMinuteLimit
    {
        /// <summary>How many in a minute that begins with the first.</summary>
        [Range(1, 1_000_000)]
        public int PerMinute { get; init; } = 1;
    }

    internal sealed record LockoutLimits
    {
        /// <summary>After this many in a window an account is locked for the rest of it, 1 to 1,000. Default 10.</summary>
        [Range(1, 1_000)]
        public int FailuresPerAccount { get; init; } = 10;

        /// <summary>After this many in a window an address (/64 for IPv6) has to wait for its end, 1 to 1,000,000. Default 30.</summary>
        [Range(1, 1_000_000)]
        public int FailuresPerAddress { get; init; } = 30;

        /// <summary>The window, 1 s to 24 h; it begins with the first failure. Default 15 min.</summary>
        [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
        public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(15);
    }
}
