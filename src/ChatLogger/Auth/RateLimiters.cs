using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace ChatLogger.Auth;

/// <summary>A limit of its own for the endpoints that carry it as metadata, counted per member and for all of them together.</summary>
internal sealed record EndpointRateLimit(string Name, Func<RateLimits, RateLimits.PerMinuteLimit> Limit)
{
    /// <summary>What makes the database think.</summary>
    public static readonly EndpointRateLimit Analytics = new("analytics", limits => limits.Analytics);
}

/// <summary>
/// Counts what callers do by who they turned out to be, not by how they spell it, and in bounded memory: keys and members are as many as the
/// directory has, and those who rest are forgotten; addresses, of which an attacker has any number, share a fixed number of places.
/// </summary>
internal sealed class RateLimiters(RateLimits limits, TimeProvider time)
{
    private const int AddressSlots = 65_536;

    /// <summary>Of all addresses together that had their invalid keys, so many more a second may be looked for; see <see cref="MayLookUpKey"/>.</summary>
    private const int SuspectLookups = 50;

    private readonly KeyedLimiter<(Guid OrgId, string PublicId)> _ingest = new(new TokenBucketLimiter(limits.Ingest.PerSecond, limits.Ingest.Burst, time));
    private readonly KeyedLimiter<Guid> _members = new(new TokenBucketLimiter(limits.Members.PerSecond, limits.Members.Burst, time));
    private readonly ConcurrentDictionary<EndpointRateLimit, KeyedLimiter<Guid>> _byEndpoint = new();
    private readonly KeyedLimiter<string> _takenEmails = new(new FixedWindowLimiter(limits.TakenAddresses.PerMinute, time));
    private readonly RateLimiter _invalidKeys = new FixedWindowLimiter(limits.InvalidKeys.PerMinute, time);
    private readonly long[] _addresses = new long[AddressSlots];
    private readonly RateLimiter _suspectLookups = new TokenBucketLimiter(SuspectLookups, SuspectLookups, time);
    private long _suspects;

    /// <summary>Callers that are remembered one by one.</summary>
    public int TrackedCallers => _ingest.Count + _members.Count + _takenEmails.Count + _byEndpoint.Values.Sum(callers => callers.Count);

    /// <summary>A request with this key. Null: let it pass; else how long the caller has to wait.</summary>
    public TimeSpan? Ingest(Guid orgId, string publicId) => limits.Enabled ? _ingest.TryAcquire((orgId, publicId)) : null;

    /// <summary>A request of this member, at an endpoint with these limits of its own.</summary>
    public TimeSpan? Member(Guid userId, IReadOnlyList<EndpointRateLimit> special)
    {
        if (!limits.Enabled)
            return null;
        var wait = _members.TryAcquire(userId);
        for (var i = 0; i < special.Count && wait is null; i++)
        {
            wait = _byEndpoint
                .GetOrAdd(special[i], static (throttle, all) => new(new FixedWindowLimiter(throttle.Limit(all.limits).PerMinute, all.time)), (limits, time))
                .TryAcquire(userId);
        }
        return wait;
    }

    /// <summary>
    /// Whether somebody may name another e-mail address: not when too many that they named were taken, for then they ask whose there are. Null:
    /// they may; else how long they have to wait.
    /// </summary>
    public TimeSpan? MayTryEmail(Actor actor) => limits.Enabled && IsMember(actor) ? _takenEmails.TimeUntilNext(actor.Id!) : null;

    /// <summary>An e-mail address that they named was taken, and they were told so.</summary>
    public void EmailWasTaken(Actor actor)
    {
        if (IsMember(actor))
            _takenEmails.TryAcquire(actor.Id!);
    }

    /// <summary>
    /// Whether a key from this address may be looked for. After too many that were not valid it may be one of a flood, which must not reach the
    /// database; or somebody else's behind the same address, who has done nothing. So a few of them are.
    /// </summary>
    public bool MayLookUpKey(ClientAddress address) =>
        !limits.Enabled || _invalidKeys.TimeUntilNext(ref SlotOf(address)) is null || _suspectLookups.TimeUntilNext(ref _suspects) is null;

    /// <summary>A key from this address was not valid. Null: that is all; else how long the address has to wait.</summary>
    public TimeSpan? InvalidKey(ClientAddress address, bool asked)
    {
        if (!limits.Enabled || _invalidKeys.TryAcquire(ref SlotOf(address)) is not { } wait)
            return null;
        if (asked)
            _suspectLookups.TryAcquire(ref _suspects);
        return wait;
    }

    // An operator can read the table.
    private static bool IsMember(Actor actor) => Guid.TryParse(actor.Id, out _);

    // The hash is seeded anew by each process. Who shares a place shares refusals of invalid keys, and nothing else.
    private ref long SlotOf(ClientAddress address) => ref _addresses[(uint)address.GetHashCode() % AddressSlots];

    private sealed class KeyedLimiter<T>(RateLimiter limiter)
        where T : notnull
    {
        /// <summary>After so many new callers those who rest are forgotten.</summary>
        private const int NewCallersBetweenCleanups = 10_000;

        private readonly ConcurrentDictionary<T, StrongBox<long>> _states = new();
        private int _new;

        public int Count => _states.Count;

        public TimeSpan? TimeUntilNext(T caller) => _states.TryGetValue(caller, out var state) ? limiter.TimeUntilNext(ref state.Value) : null;

        public TimeSpan? TryAcquire(T caller)
        {
            if (!_states.TryGetValue(caller, out var state))
            {
                state = _states.GetOrAdd(caller, static _ => new StrongBox<long>());
                if (Interlocked.Increment(ref _new) % NewCallersBetweenCleanups == 0)
                    RemoveIdle();
            }
            return limiter.TryAcquire(ref state.Value);
        }

        private void RemoveIdle()
        {
            foreach (var (caller, state) in _states)
            {
                if (limiter.IsIdle(ref state.Value))
                    _states.TryRemove(caller, out _);
            }
        }
    }
}
