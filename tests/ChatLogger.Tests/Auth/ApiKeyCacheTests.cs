using System.Collections.Concurrent;
using ChatLogger.Auth;
using ChatLogger.Telemetry;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace ChatLogger.Tests.Auth;

/// <summary>What the cache keeps of keys, and for how long.</summary>
public sealed partial class ApiKeyCacheTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly Directory _directory = new();
    private readonly NpgsqlDataSource _nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
    private readonly ApiKeyCache _keys;
    private readonly string _key;
    private readonly Guid _acme = Guid.NewGuid();

    public ApiKeyCacheTests()
    {
        _keys = Remembering(new KeyCacheSettings());
        _key = _directory.Grant(_acme);
    }

    [Fact]
    public async Task A_key_is_looked_up_once_for_all_who_come_within_two_seconds()
    {
        for (var i = 0; i < 10; i++)
            Assert.Equal(_acme, await Ask(_key));
        _clock.Advance(1.9 * Second);
        Assert.Equal(_acme, await Ask(_key));

        Assert.Equal(1, _directory.Asked);
    }

    [Fact]
    public async Task It_is_looked_up_again_in_the_background_and_what_has_changed_is_known_from_then_on()
    {
        await Ask(_key);
        _directory.Revoke(_key);
        _clock.Advance(2.1 * Second);

        // The request that finds the entry stale still uses it; requests after the look-up do not.
        Assert.Equal(_acme, await Ask(_key));
        await Wait.Until(() => _directory.Asked == 2);
        await Wait.Until(() => Ask(_key).Result is null);
        Assert.Equal(2, _directory.Asked);
    }

    [Fact]
    public async Task No_cached_answer_is_used_after_four_seconds_whatever_the_database_does()
    {
        await Ask(_key);
        _directory.Failing = true;
        for (var i = 0; i < 4; i++)
        {
            _clock.Advance(0.99 * Second);
            Assert.Equal(_acme, await Ask(_key));
        }

        _clock.Advance(0.1 * Second);
        await Assert.ThrowsAsync<NpgsqlException>(() => Ask(_key));
    }

    [Fact]
    public async Task A_cached_answer_ages_from_the_start_of_its_look_up()
    {
        _directory.Hold();
        var slow = Ask(_key);
        await Wait.Until(() => _directory.Asked == 1);
        _clock.Advance(3.9 * Second);
        _directory.Release();
        Assert.Equal(_acme, await slow);
        _directory.Failing = true;
        Assert.Equal(_acme, await Ask(_key));

        _clock.Advance(0.2 * Second);
        await Assert.ThrowsAsync<NpgsqlException>(() => Ask(_key));
    }

    [Fact]
    public async Task A_database_that_fails_is_not_remembered_and_not_asked_by_every_request()
    {
        _directory.Failing = true;
        await Assert.ThrowsAsync<NpgsqlException>(() => Ask(_key));
        _directory.Failing = false;
        Assert.Equal(_acme, await Ask(_key));

        _directory.Failing = true;
        _clock.Advance(2.5 * Second);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(_acme, await Ask(_key));
            await Task.Delay(1);
        }
        await Wait.Until(() => _directory.Asked == 3);
        _directory.Failing = false;
        _clock.Advance(0.3 * Second);
        await Ask(_key);
        await Wait.Until(() => _directory.Asked == 4);
        _clock.Advance(1.5 * Second);
        Assert.Equal(_acme, await Ask(_key));
    }

    [Fact]
    public async Task Concurrent_callers_share_one_look_up_and_the_first_may_cancel()
    {
        _directory.Hold();
        using var timeout = new CancellationTokenSource();
        var first = Ask(_key, timeout.Token);
        var others = Enumerable.Range(0, 20).Select(_ => Ask(_key)).ToList();
        await Wait.Until(() => _directory.Asked == 1);

        await timeout.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _directory.Release();

        Assert.All(await Task.WhenAll(others), org => Assert.Equal(_acme, org));
        Assert.Equal(1, _directory.Asked);
    }

    public ValueTask DisposeAsync() => _nowhere.DisposeAsync();

    private ApiKeyCache Remembering(KeyCacheSettings settings) =>
        new([_directory], settings, Uses(), _clock, new Instruments(new UnreadMeters()));

    private LastUsedTracker Uses() => new(_nowhere, _clock, NullLogger<LastUsedTracker>.Instance);

    private Task<Guid?> Ask(string key) => Ask(key, CancellationToken.None);

    private async Task<Guid?> Ask(string key, CancellationToken ct)
    {
        var (known, grant) = await _keys.Find(key, ct);
        Assert.Equal(key, known!.Text);
        return grant?.OrgId;
    }

    /// <summary>A place where keys are known, which can be slow and can fail.</summary>
    private sealed class Directory : IApiKeyValidator
    {
        private readonly ConcurrentDictionary<string, ApiKeyGrant> _grants = new();
        private TaskCompletionSource _open = Opened();
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public bool Failing { get; set; }

        public string Grant(Guid org, DateTimeOffset? expiresAt = null)
        {
            var key = ApiKey.Generate();
            _grants[key.PublicId] = new(org, "acme", ["ingest"], [], expiresAt);
            return key.Text;
        }

        public void Revoke(string key) => _grants.TryRemove(key[4..20], out _);

        public void Hold() => _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _open.SetResult();

        public async Task<ApiKeyGrant?> Validate(ApiKey key, CancellationToken ct)
        {
            var grant = _grants.GetValueOrDefault(key.PublicId);
            Interlocked.Increment(ref _asked);
            await _open.Task;
            return Failing ? throw new NpgsqlException("away") : grant;
        }

        private static TaskCompletionSource Opened()
        {
            var open = new TaskCompletionSource();
            open.SetResult();
            return open;
        }
    }
}
