using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ChatLogger.Telemetry;

namespace ChatLogger.Auth;

/// <summary>
/// The keys that callers come with, as the validators knew them a moment ago. A key is looked up when it is first seen, again in the background
/// while it is in use, and never believed for longer than <see cref="KeyCacheSettings.Longest"/>: revocation, expiry, rotation and the end of an
/// organization hold on every instance without a message between them.
/// </summary>
internal sealed class ApiKeyCache(IEnumerable<IApiKeyValidator> validators, KeyCacheSettings settings, LastUsedTracker uses, TimeProvider time, Instruments instruments)
{
    /// <summary>How long a look-up may take. It is nobody's request, so no request's deadline ends it.</summary>
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(4);

    /// <summary>Between two look-ups of a key in the background, so that a database that refuses is not asked by every request.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private readonly IApiKeyValidator[] _validators = [.. validators];
    private readonly ConcurrentDictionary<Hash, Entry> _entries = new();
    private readonly Lock _sweeping = new();

    /// <summary>How many keys are remembered.</summary>
    public int Count => _entries.Count;

    /// <summary>The key that a text is, and what it grants, if that is known without asking anybody; else nothing, whatever the text is.</summary>
    // Of a key that is known already only the hash is made: it can be found by nothing but the very text that was once parsed.
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
        // Without one the caller comes again, to Find.
        if (grant is not null)
            instruments.KeyWasKnown();
        return (entry.Key, grant);
    }

    /// <summary>
    /// The key that a text is, if it is one, and what it grants, if it is live. A text that is no key costs no look-up.
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

    /// <summary>Something happened to the key of this public id: whoever comes with it next has it looked up.</summary>
    public void Invalidate(string publicId) => Invalidate(known => known.Key.PublicId == publicId);

    /// <summary>Something happened to an organization that is about all of its keys.</summary>
    public void InvalidateOrganization(Guid orgId) => Invalidate(known => known.Grant is not { } answer || answer.Grant?.OrgId == orgId);

    // What is being looked up right now ends in an entry that nobody finds any more.
    private void Invalidate(Func<Entry, bool> isMeant)
    {
        foreach (var (hash, known) in _entries)
        {
            if (isMeant(known))
                _entries.TryRemove(hash, out _);
        }
    }

    private async ValueTask<(ApiKey? Key, ApiKeyGrant? Grant)> Wait(Entry known, CancellationToken ct) =>
        (known.Key, Live(known, await LookUp(known).WaitAsync(ct)));

    private void Refresh(Entry known, long now)
    {
        if (known.LookUp is { IsCompleted: false } || time.GetElapsedTime(known.Tried, now) < RetryDelay)
            return;
        // A failure is met again, and told, by the request that needs an answer.
        LookUp(known).ContinueWith(
            static lookUp => lookUp.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    // One for all who wait, and for those that come while it lasts. A failure is theirs, and nobody's after them.
    private Task<CachedGrant> LookUp(Entry known)
    {
        lock (known)
        {
            if (known.LookUp is { IsCompleted: false } running)
                return running;
            known.Tried = time.GetTimestamp();
            return known.LookUp = Task.Run(() => QueryValidators(known), CancellationToken.None);
        }
    }

    private async Task<CachedGrant> QueryValidators(Entry known)
    {
        // True as of its beginning: it may be long on its way.
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

    private ApiKeyGrant? Live(Entry known, CachedGrant answer)
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

    private Entry Store(Hash hash, ApiKey key)
    {
        var known = _entries.GetOrAdd(hash, static (_, made) => new(made.key, made.now), (key, now: time.GetTimestamp()));
        if (_entries.Count > settings.Entries)
            EvictIfFull();
        return known;
    }

    // What is over goes first, then what is oldest. Keys that are live and keys that are not have a share each: whoever invents keys drives out
    // other invented ones.
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

    // A tenth more than must be, so that not every new key has to make room.
    private void Trim(List<(Hash Hash, long At)> entries, int most)
    {
        if (entries.Count < most)
            return;
        foreach (var (hash, _) in entries.OrderBy(entry => entry.At).Take(entries.Count - (most - most / 10)))
            _entries.TryRemove(hash, out _);
    }

    // SHA-256 of the key. Hashed once more with this process's seed: keys can be chosen so that their hashes begin alike.
    private readonly record struct Hash(ulong A, ulong B, ulong C, ulong D)
    {
        public override int GetHashCode() => HashCode.Combine(A, B, C, D);
    }

    private sealed record CachedGrant(ApiKeyGrant? Grant, long At);

    private sealed class Entry(ApiKey key, long now)
    {
        private volatile CachedGrant? _grant;
        private volatile Task<CachedGrant>? _lookUp;
        private long _tried = now;
        private long _recentlyUsed;

        public ApiKey Key => key;

        /// <summary>What the last look-up that succeeded said.</summary>
        public CachedGrant? Grant
        {
            get => _grant;
            set => _grant = value;
        }

        /// <summary>The last look-up, or the one that is under way.</summary>
        public Task<CachedGrant>? LookUp
        {
            get => _lookUp;
            set => _lookUp = value;
        }

        /// <summary>When the last look-up was begun.</summary>
        public long Tried
        {
            get => Volatile.Read(ref _tried);
            set => Volatile.Write(ref _tried, value);
        }

        /// <summary>When its use was last written down, in ticks of UTC.</summary>
        public long RecentlyUsed
        {
            get => Volatile.Read(ref _recentlyUsed);
            set => Volatile.Write(ref _recentlyUsed, value);
        }
    }
}
