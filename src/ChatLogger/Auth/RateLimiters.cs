using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace ChatLogger.Auth;

/// <summary>An additional limit for the endpoints that carry it as metadata, counted per member over all of these endpoints.</summary>
internal sealed record EndpointRateLimit(string Name, Func<RateLimits, RateLimits.PerMinuteLimit> Limit)
{
    /// <summary>For queries that are expensive for the database.</summary>
    public static readonly EndpointRateLimit Analytics = new("analytics", limits => limits.Analytics);
}

/// <summary>Marks an endpoint whose requests do not count towards the rate limits of members, because it has limits of its own.</summary>
internal sealed class WithoutMemberRate;

/// <summary>
/// Counts requests per authenticated identity, not per spelling of the credential, in bounded memory. The directory bounds the number of
/// keys and members, and idle ones are dropped; addresses, of which an attacker has any number, share a fixed number of slots.
/// </summary>
internal sealed class RateLimiters(RateLimits limits, TimeProvider time)
{
    private const int AddressSlots = 65_536;

    /// <summary>
    /// Key look-ups per second that all addresses over their limit of invalid keys share; see <see cref="MayLookUpKey"/>.
    /// </summary>
    private const int SuspectLookups = 50;

    private readonly KeyedLimiter<(Guid OrgId, string PublicId)> _ingest = new(
        new TokenBucketLimiter(limits.Ingest.PerSecond, limits.Ingest.Burst, time));
    private readonly KeyedLimiter<Guid> _members = new(new TokenBucketLimiter(limits.Members.PerSecond, limits.Members.Burst, time));
    private readonly ConcurrentDictionary<EndpointRateLimit, KeyedLimiter<Guid>> _byEndpoint = new();
    private readonly KeyedLimiter<string> _takenEmails = new(new FixedWindowLimiter(limits.TakenAddresses.PerMinute, time));
    private readonly RateLimiter _invalidKeys = new FixedWindowLimiter(limits.InvalidKeys.PerMinute, time);
    private readonly long[] _addresses = new long[AddressSlots];
    private readonly RateLimiter _widgets = new FixedWindowLimiter(limits.Widget.PerMinute, time);
    private readonly long[] _widgetAddresses = new long[AddressSlots];
    private readonly RateLimiter _suspectLookups = new TokenBucketLimiter(SuspectLookups, SuspectLookups, time);
    private long _suspects;

    /// <summary>The number of callers with a state of their own.</summary>
    public int TrackedCallers => _ingest.Count + _members.Count + _takenEmails.Count + _byEndpoint.Values.Sum(callers => callers.Count);

    /// <summary>Counts a request with this key. Returns null if it is within the limit; else how long the caller has to wait.</summary>
    public TimeSpan? Ingest(Guid orgId, string publicId) => limits.Enabled ? _ingest.TryAcquire((orgId, publicId)) : null;

    /// <summary>
    /// Counts a request from this address with this key, which is bound to origins. Returns null if it is within the limit; else how long
    /// the address has to wait.
    /// </summary>
    public TimeSpan? Widget(string publicId, ClientAddress address) =>
        limits.Enabled ? _widgets.TryAcquire(ref _widgetAddresses[(uint)HashCode.Combine(publicId, address) % AddressSlots]) : null;

    /// <summary>Counts a request of this member at an endpoint with these additional limits.</summary>
    public TimeSpan? Member(Guid userId, IReadOnlyList<EndpointRateLimit> special)
    {
        if (!limits.Enabled)
            return null;
        var wait = _members.TryAcquire(userId);
        for (var i = 0; i < special.Count && wait is null; i++)
        {
            wait = _byEndpoint
                .GetOrAdd(
                    special[i],
                    static (throttle, all) => new(new FixedWindowLimiter(throttle.Limit(all.limits).PerMinute, all.time)),
                    (limits, time))
                .TryAcquire(userId);
        }
        return wait;
    }

    /// <summary>
    /// Whether the actor may name another e-mail address. After too many taken addresses they may not, because they could be probing which
    /// addresses exist. Returns null if they may; else how long they have to wait.
    /// </summary>
    public TimeSpan? MayTryEmail(Actor actor) => limits.Enabled && IsMember(actor) ? _takenEmails.TimeUntilNext(actor.Id!) : null;

    /// <summary>Counts that the actor was told that an e-mail address is taken.</summary>
    public void EmailWasTaken(Actor actor)
    {
        if (IsMember(actor))
            _takenEmails.TryAcquire(actor.Id!);
    }

    /// <summary>
    /// Whether a key from this address may be looked up. After too many invalid keys the address may be flooding the service, which must
    /// not reach the database; or another client behind the same address may have a valid key. So a small shared rate of look-ups stays
    /// allowed.
    /// </summary>
    public bool MayLookUpKey(ClientAddress address) =>
        !limits.Enabled || _invalidKeys.TimeUntilNext(ref SlotOf(address)) is null || _suspectLookups.TimeUntilNext(ref _suspects) is null;

    /// <summary>
    /// Counts an invalid key from this address. Returns null while within the limit; else how long the address has to wait.
    /// </summary>
    public TimeSpan? InvalidKey(ClientAddress address, bool asked)
    {
        if (!limits.Enabled || _invalidKeys.TryAcquire(ref SlotOf(address)) is not { } wait)
            return null;
        if (asked)
            _suspectLookups.TryAcquire(ref _suspects);
        return wait;
    }

    // Operators are not limited: they can read the table anyway.
    private static bool IsMember(Actor actor) => actor.IsMember;

    // Each process seeds the hash differently. Addresses that share a slot share the limit of invalid keys and nothing else.
    private ref long SlotOf(ClientAddress address) => ref _addresses[(uint)address.GetHashCode() % AddressSlots];

    private sealed class KeyedLimiter<T>(RateLimiter limiter)
        where T : notnull
    {
        /// <summary>After this many new callers the idle ones are dropped.</summary>
        private const int NewCallersBetweenCleanups = 10_000;

        private readonly ConcurrentDictionary<T, StrongBox<long>> _states = new();
        private int _new;

        public int Count => _states.Count;

        public TimeSpan? TimeUntilNext(T caller) =>
            _states.TryGetValue(caller, out var state) ? limiter.TimeUntilNext(ref state.Value) : null;

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
