using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ChatLogger.Telemetry;

namespace ChatLogger.Auth;

/// <summary>
/// Caches recently validated keys. The first request with a key looks it up, a background look-up refreshes it while it is in use, and no
/// entry is trusted for longer than <see cref="KeyCacheSettings.Longest"/>. So revocation, expiry, rotation and the deletion of an
/// organization take effect on every instance without messages between them.
/// </summary>
internal sealed class ApiKeyCache(
    IEnumerable<IApiKeyValidator> validators,
    KeyCacheSettings settings,
    LastUsedTracker uses,
    TimeProvider time,
    Instruments instruments)
{
    /// <summary>The timeout of a look-up. Several requests share a look-up, so no single request's deadline ends it.</summary>
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(4);

    /// <summary>
    /// The minimum time between two background look-ups of a key, so that not every request queries a database that fails.
    /// </summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private readonly IApiKeyValidator[] _validators = [.. validators];
    private readonly ConcurrentDictionary<Hash, CacheEntry> _entries = new();
    private readonly Lock _sweeping = new();

    /// <summary>The number of cached keys.</summary>
    public int Count => _entries.Count;

    /// <summary>Returns the parsed key and its grant if both are cached, without a look-up; else nothing, whatever the text is.</summary>
    // A cached key is only hashed, not parsed again: an entry can only be found by the exact text that was parsed before.
    public (ApiKey? Key, ApiKeyGrant? Grant) Known(string? text)
    {
        Span<byte> sha256 = stackalloc byte[32];
        if (!ApiKey.TryHash(text, sha256) || !_entries.TryGetValue(MemoryMarshal.Read<Hash>(sha256), out var entry))
            return default;
        var now = time.GetTimestamp();
        if (entry.Grant is not { } answer || IsExpired(answer, now))
            return default;
        if (answer.Grant is not null && time.GetElapsedTime(answer.At, now) >= settings.Fresh)
            Refresh(entry, now);
        var grant = Live(entry, answer);
        // Without a grant the caller continues with Find.
        if (grant is not null)
            instruments.KeyWasKnown();
        return (entry.Key, grant);
    }

    /// <summary>
    /// Returns the key if the text is one, and its grant if the key is live. A malformed key costs no look-up.
    /// </summary>
    public ValueTask<(ApiKey? Key, ApiKeyGrant? Grant)> Find(string? text, CancellationToken ct)
    {
        if (Known(text) is { Key: not null } known)
        {
            if (known.Grant is null)
                instruments.KeyWasKnown();
            return new(known);
        }
        if (ApiKey.Parse(text) is not { } key)
            return default;
        Span<byte> sha256 = stackalloc byte[32];
        ApiKey.TryHash(text, sha256);
        instruments.KeyIsLookedUp();
        return Wait(Store(MemoryMarshal.Read<Hash>(sha256), key), ct);
    }

    /// <summary>Drops the key with this public id after a change to it: the next request with it looks it up again.</summary>
    public void Invalidate(string publicId) => Invalidate(known => known.Key.PublicId == publicId);

    /// <summary>Drops all keys of an organization after a change that concerns all of them.</summary>
    public void InvalidateOrganization(Guid orgId) => Invalidate(known => known.Grant is not { } answer || answer.Grant?.OrgId == orgId);

    // A look-up that is in flight completes in an entry that is no longer in the cache, so its outdated result is never used.
    private void Invalidate(Func<CacheEntry, bool> isMeant)
    {
        foreach (var (hash, known) in _entries)
        {
            if (isMeant(known))
                _entries.TryRemove(hash, out _);
        }
    }

    private async ValueTask<(ApiKey? Key, ApiKeyGrant? Grant)> Wait(CacheEntry known, CancellationToken ct) =>
        (known.Key, Live(known, await LookUp(known).WaitAsync(ct)));

    private void Refresh(CacheEntry known, long now)
    {
        if (known.LookUp is { IsCompleted: false } || time.GetElapsedTime(known.Tried, now) < RetryDelay)
            return;
        // Ignores a failure here: the next request that needs the result repeats the look-up and reports the failure.
        LookUp(known).ContinueWith(
            static lookUp => lookUp.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    // Concurrent requests share one look-up. A failure reaches the requests that wait for it and is not cached.
    private Task<CachedGrant> LookUp(CacheEntry known)
    {
        lock (known)
        {
            if (known.LookUp is { IsCompleted: false } running)
                return running;
            known.Tried = time.GetTimestamp();
            return known.LookUp = Task.Run(() => QueryValidators(known), CancellationToken.None);
        }
    }

    private async Task<CachedGrant> QueryValidators(CacheEntry known)
    {
        // The result is as old as the start of the look-up, because the look-up may take long.
        var at = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(LookupTimeout);
        ApiKeyGrant? grant = null;
        foreach (var validator in _validators)
        {
            grant = await validator.Validate(known.Key, timeout.Token);
            if (grant is not null)
                break;
        }
        return known.Grant = new(grant, at);
    }

    private ApiKeyGrant? Live(CacheEntry known, CachedGrant answer)
    {
        if (answer.Grant is not { } grant)
            return null;
        var now = time.GetUtcNow();
        if (grant.ExpiresAt <= now)
            return null;
        if (now.UtcTicks - known.RecentlyUsed >= LastUsedTracker.Precision.Ticks)
        {
            known.RecentlyUsed = now.UtcTicks;
            uses.Record(grant.OrgId, known.Key.PublicId, now);
        }
        return grant;
    }

    private bool IsExpired(CachedGrant answer, long now) =>
        time.GetElapsedTime(answer.At, now) >= (answer.Grant is null ? settings.Unknown : settings.Longest);

    private CacheEntry Store(Hash hash, ApiKey key)
    {
        var known = _entries.GetOrAdd(hash, static (_, made) => new(made.key, made.now), (key, now: time.GetTimestamp()));
        if (_entries.Count > settings.Entries)
            EvictIfFull();
        return known;
    }

    // Removes expired entries first, then the oldest. Live and invalid keys have separate shares of the capacity, so invented keys only
    // evict other invalid keys.
    private void EvictIfFull()
    {
        if (!_sweeping.TryEnter())
            return;
        try
        {
            var now = time.GetTimestamp();
            var live = new List<(Hash Hash, long At)>();
            var others = new List<(Hash Hash, long At)>();
            foreach (var (hash, known) in _entries)
            {
                var answer = known.Grant;
                if (known.LookUp is { IsCompleted: true } && (answer is null || IsExpired(answer, now)))
                    _entries.TryRemove(hash, out _);
                else
                    (answer?.Grant is null ? others : live).Add((hash, answer?.At ?? known.Tried));
            }
            Trim(live, settings.Entries / 5 * 4);
            Trim(others, settings.Entries / 5);
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    // Removes a tenth more than necessary, so that not every new key triggers an eviction.
    private void Trim(List<(Hash Hash, long At)> entries, int most)
    {
        if (entries.Count < most)
            return;
        foreach (var (hash, _) in entries.OrderBy(entry => entry.At).Take(entries.Count - (most - most / 10)))
            _entries.TryRemove(hash, out _);
    }

    // The SHA-256 of the key. GetHashCode mixes in this process's random seed, because an attacker can choose keys whose SHA-256 have the
    // same prefix.
    private readonly record struct Hash(ulong A, ulong B, ulong C, ulong D)
    {
        public override int GetHashCode() => HashCode.Combine(A, B, C, D);
    }

    private sealed record CachedGrant(ApiKeyGrant? Grant, long At);

    private sealed class CacheEntry(ApiKey key, long now)
    {
        private volatile CachedGrant? _grant;
        private volatile Task<CachedGrant>? _lookUp;
        private long _tried = now;
        private long _recentlyUsed;

        public ApiKey Key => key;

        /// <summary>The result of the last look-up that succeeded.</summary>
        public CachedGrant? Grant
        {
            get => _grant;
            set => _grant = value;
        }

        /// <summary>The last look-up, or the one in flight.</summary>
        public Task<CachedGrant>? LookUp
        {
            get => _lookUp;
            set => _lookUp = value;
        }

        /// <summary>When the last look-up started.</summary>
        public long Tried
        {
            get => Volatile.Read(ref _tried);
            set => Volatile.Write(ref _tried, value);
        }

        /// <summary>When the last use of the key was recorded, in ticks of UTC.</summary>
        public long RecentlyUsed
        {
            get => Volatile.Read(ref _recentlyUsed);
            set => Volatile.Write(ref _recentlyUsed, value);
        }
    }
}
