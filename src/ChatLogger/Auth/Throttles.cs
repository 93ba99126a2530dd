using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace ChatLogger.Auth;

/// <summary>A limit of its own for the endpoints that carry it as metadata, counted per member and for all of them together.</summary>
internal sealed record Throttle(string Name, Func<RateLimits, RateLimits.Minutely> Limit)
{
    /// <summary>What makes the database think.</summary>
    public static readonly Throttle Analytics = new("analytics", limits => limits.Analytics);
}

/// <summary>
/// Counts what callers do by who they turned out to be, not by how they spell it, and in bounded memory: keys and members are as many as the
/// directory has, and those who rest are forgotten; addresses, of which an attacker has any number, share a fixed number of places.
/// </summary>
internal sealed class Throttles(RateLimits limits, TimeProvider time)
{
    private const int Places = 65_536;

    /// <summary>Of all addresses together that had their invalid keys, so many more a second may be looked for; see <see cref="MayAskAboutKey"/>.</summary>
    private const int SuspectLookups = 50;

    private readonly PerCaller<(Guid OrgId, string PublicId)> _ingest = new(new SteadyAllowance(limits.Ingest.PerSecond, limits.Ingest.Burst, time));
    private readonly PerCaller<Guid> _members = new(new SteadyAllowance(limits.Members.PerSecond, limits.Members.Burst, time));
    private readonly ConcurrentDictionary<Throttle, PerCaller<Guid>> _special = new();
    private readonly PerCaller<string> _takenAddresses = new(new MinuteAllowance(limits.TakenAddresses.PerMinute, time));
    private readonly Allowance _invalidKeys = new MinuteAllowance(limits.InvalidKeys.PerMinute, time);
    private readonly long[] _addresses = new long[Places];
    private readonly Allowance _suspectLookups = new SteadyAllowance(SuspectLookups, SuspectLookups, time);
    private long _suspects;

    /// <summary>Callers that are remembered one by one.</summary>
    public int Remembered => _ingest.Count + _members.Count + _takenAddresses.Count + _special.Values.Sum(callers => callers.Count);

    /// <summary>A request with this key. Null: let it pass; else how long the caller has to wait.</summary>
    public TimeSpan? Ingest(Guid orgId, string publicId) => limits.Enabled ? _ingest.Take((orgId, publicId)) : null;

    /// <summary>A request of this member, at an endpoint with these limits of its own.</summary>
    public TimeSpan? Member(Guid userId, IReadOnlyList<Throttle> special)
    {
        if (!limits.Enabled)
            return null;
        var wait = _members.Take(userId);
        for (var i = 0; i < special.Count && wait is null; i++)
        {
            wait = _special
                .GetOrAdd(special[i], static (throttle, all) => new(new MinuteAllowance(throttle.Limit(all.limits).PerMinute, all.time)), (limits, time))
                .Take(userId);
        }
        return wait;
    }

    /// <summary>
    /// Whether somebody may name another e-mail address: not when too many that they named were taken, for then they ask whose there are. Null:
    /// they may; else how long they have to wait.
    /// </summary>
    public TimeSpan? MayNameAddress(Actor actor) => limits.Enabled && IsMember(actor) ? _takenAddresses.Wait(actor.Id!) : null;

    /// <summary>An e-mail address that they named was taken, and they were told so.</summary>
    public void AddressWasTaken(Actor actor)
    {
        if (IsMember(actor))
            _takenAddresses.Take(actor.Id!);
    }

    /// <summary>
    /// Whether a key from this address may be looked for. After too many that were not valid it may be one of a flood, which must not reach the
    /// database; or somebody else's behind the same address, who has done nothing. So a few of them are.
    /// </summary>
    public bool MayAskAboutKey(ClientAddress address) =>
        !limits.Enabled || _invalidKeys.Wait(ref Place(address)) is null || _suspectLookups.Wait(ref _suspects) is null;

    /// <summary>A key from this address was not valid. Null: that is all; else how long the address has to wait.</summary>
    public TimeSpan? InvalidKey(ClientAddress address, bool asked)
    {
        if (!limits.Enabled || _invalidKeys.Take(ref Place(address)) is not { } wait)
            return null;
        if (asked)
            _suspectLookups.Take(ref _suspects);
        return wait;
    }

    // An operator can read the table.
    private static bool IsMember(Actor actor) => Guid.TryParse(actor.Id, out _);

    // The hash is seeded anew by each process. Who shares a place shares refusals of invalid keys, and nothing else.
    private ref long Place(ClientAddress address) => ref _addresses[(uint)address.GetHashCode() % Places];

    private sealed class PerCaller<T>(Allowance allowance)
        where T : notnull
    {
        /// <summary>After so many new callers those who rest are forgotten.</summary>
        private const int SweepAfter = 10_000;

        private readonly ConcurrentDictionary<T, StrongBox<long>> _states = new();
        private int _new;

        public int Count => _states.Count;

        public TimeSpan? Wait(T caller) => _states.TryGetValue(caller, out var state) ? allowance.Wait(ref state.Value) : null;

        public TimeSpan? Take(T caller)
        {
            if (!_states.TryGetValue(caller, out var state))
            {
                state = _states.GetOrAdd(caller, static _ => new StrongBox<long>());
                if (Interlocked.Increment(ref _new) % SweepAfter == 0)
                    Sweep();
            }
            return allowance.Take(ref state.Value);
        }

        private void Sweep()
        {
            foreach (var (caller, state) in _states)
            {
                if (allowance.IsRested(ref state.Value))
                    _states.TryRemove(caller, out _);
            }
        }
    }
}
