using System.Net;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace ChatLogger.Tests.Auth;

/// <summary>The arithmetic of limits, on a stopped clock.</summary>
public class RateLimitersTests
{
    private static readonly EndpointRateLimit Other = new("other", limits => limits.TakenAddresses);

    private static readonly Guid Acme = Guid.NewGuid();

    // As timestamps are, since a start some hours ago; the milliseconds since the year 1 would not fit.
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.MinValue + TimeSpan.FromHours(5));

    [Fact]
    public void A_burst_and_then_so_many_a_second_and_the_wait_is_exact()
    {
        var rateLimiters = Limiters(new() { Ingest = new() { PerSecond = 4, Burst = 3 } });

        Assert.Equal(3, Passing(() => rateLimiters.Ingest(Acme, "key"), 10));
        Assert.Equal(TimeSpan.FromSeconds(0.25), rateLimiters.Ingest(Acme, "key"));
        Assert.Null(rateLimiters.Ingest(Acme, "another"));
        Assert.Null(rateLimiters.Ingest(Guid.NewGuid(), "key"));
        _clock.Advance(TimeSpan.FromSeconds(0.25) - TimeSpan.FromTicks(1));
        Assert.NotNull(rateLimiters.Ingest(Acme, "key"));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(1, Passing(() => rateLimiters.Ingest(Acme, "key"), 10));
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(3, Passing(() => rateLimiters.Ingest(Acme, "key"), 10));
    }

    [Fact]
    public void So_many_a_minute_and_the_wait_is_until_its_end()
    {
        var rateLimiters = Limiters(new() { Analytics = new() { PerMinute = 3 } });
        var (ann, ben) = (Guid.NewGuid(), Guid.NewGuid());
        TimeSpan? Ask(Guid member, params EndpointRateLimit[] special) => rateLimiters.Member(member, special);

        Assert.Null(Ask(ann, EndpointRateLimit.Analytics));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(2, Passing(() => Ask(ann, EndpointRateLimit.Analytics), 10));
        Assert.Equal(TimeSpan.FromSeconds(40), Ask(ann, EndpointRateLimit.Analytics));
        Assert.Null(Ask(ann));
        Assert.Null(Ask(ann, Other));
        Assert.Null(Ask(ben, EndpointRateLimit.Analytics));
        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(3, Passing(() => Ask(ann, EndpointRateLimit.Analytics), 10));
    }

    [Fact]
    public void A_public_key_is_limited_per_address_and_another_key_or_address_is_not()
    {
        var rateLimiters = Limiters(new() { Widget = new() { PerMinute = 3 } });
        TimeSpan? Ask(string key, string address) => rateLimiters.Widget(key, ClientAddress.Of(IPAddress.Parse(address)));

        Assert.Equal(3, Passing(() => Ask("key", "2001:db8::1"), 10));
        Assert.Equal(TimeSpan.FromMinutes(1), Ask("key", "2001:db8::ffff"));
        Assert.Null(Ask("key", "192.0.2.7"));
        Assert.Null(Ask("another", "2001:db8::1"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(Ask("key", "2001:db8::1"));
        Assert.Equal(120, new RateLimits().Widget.PerMinute);
        Assert.Null(new RateLimiters(new() { Enabled = false, Widget = new() { PerMinute = 1 } }, _clock).Widget("key", default));
    }

    [Fact]
    public void Concurrent_requests_are_each_counted_once()
    {
        var rateLimiters = Limiters(
            new()
            {
                Ingest = new() { PerSecond = 1, Burst = 1_000 },
                TakenAddresses = new() { PerMinute = 1_000 },
            });
        var (sent, asked) = (0, 0);

        Parallel.For(
            0,
            5_000,
            i =>
            {
                if (rateLimiters.Ingest(Acme, "key") is null)
                    Interlocked.Increment(ref sent);
                if (
                    rateLimiters.Member(new Guid(i % 50, 0, 0, new byte[8]), []) is null
                    && rateLimiters.Member(new Guid(50 + i % 50, 0, 0, new byte[8]), [Other]) is null)
                    Interlocked.Increment(ref asked);
            });

        Assert.Equal(1_000, sent);
        Assert.Equal(5_000, asked);
    }

    [Fact]
    public void A_flood_of_invalid_keys_is_not_looked_up_and_other_callers_at_the_address_can_still_succeed()
    {
        var rateLimiters = Limiters(new());
        var (flood, other) = (Address("203.0.113.1"), Address("203.0.113.2"));
        for (var i = 0; i < 60; i++)
        {
            Assert.True(rateLimiters.MayLookUpKey(flood));
            Assert.Null(rateLimiters.InvalidKey(flood, asked: true));
        }

        Assert.Equal(TimeSpan.FromSeconds(60), rateLimiters.InvalidKey(flood, asked: false));
        Assert.True(rateLimiters.MayLookUpKey(flood));
        var lookups = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var mayAsk = rateLimiters.MayLookUpKey(flood);
            lookups += mayAsk ? 1 : 0;
            Assert.NotNull(rateLimiters.InvalidKey(flood, mayAsk));
        }
        Assert.Equal(50, lookups);
        Assert.True(rateLimiters.MayLookUpKey(other));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(rateLimiters.MayLookUpKey(flood));
    }

    [Fact]
    public void Twenty_thousand_addresses_stay_within_the_memory_bound()
    {
        var rateLimiters = Limiters(new());
        var addresses = Enumerable.Range(0, 20_001).Select(i => Address($"2001:db8:{i:x}::1")).ToArray();
        rateLimiters.InvalidKey(addresses[0], asked: true);

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var address in addresses)
        {
            rateLimiters.MayLookUpKey(address);
            rateLimiters.InvalidKey(address, asked: true);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
        Assert.Equal(0, rateLimiters.TrackedCallers);
    }

    [Fact]
    public void Unused_keys_and_members_are_evicted_and_active_ones_are_kept()
    {
        var rateLimiters = Limiters(new() { Ingest = new() { PerSecond = 1, Burst = 1 } });
        for (var i = 0; i < 100_000; i++)
        {
            rateLimiters.Ingest(Acme, $"key-{i}");
            if (i % 5_000 == 0)
                _clock.Advance(TimeSpan.FromSeconds(2));
        }
        Assert.InRange(rateLimiters.TrackedCallers, 1, 15_000);

        rateLimiters.Ingest(Acme, "busy");
        for (var i = 0; i < 10_000; i++)
            rateLimiters.Ingest(Acme, $"other-{i}");
        Assert.NotNull(rateLimiters.Ingest(Acme, "busy"));
    }

    [Fact]
    public void A_request_that_passes_allocates_nothing()
    {
        var rateLimiters = Limiters(new() { Ingest = new() { PerSecond = 1_000_000, Burst = 10_000_000 } });
        var address = Address("203.0.113.1");
        rateLimiters.Ingest(Acme, "key");

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            rateLimiters.MayLookUpKey(address);
            rateLimiters.Ingest(Acme, "key");
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    [Theory]
    [InlineData("RateLimits:Ingest:PerSecond", "0", "RateLimits__Ingest__PerSecond must be from 1 to 1000000.")]
    [InlineData("RateLimits:Ingest:Burst", "10000001", "RateLimits__Ingest__Burst must be from 1 to 10000000.")]
    [InlineData("RateLimits:InvalidKeys:PerMinute", "-1", "RateLimits__InvalidKeys__PerMinute must be from 1 to 1000000.")]
    [InlineData("RateLimits:Login:Window", "00:00:00", "RateLimits__Login__Window must be from 00:00:01 to 1.00:00:00.")]
    [InlineData(
        "RateLimits:Login:Window",
        "soon",
        "RateLimits__Login__Window must be a duration such as 00:00:30, from 00:00:01 to 1.00:00:00."
    )]
    [InlineData(
        "RateLimits:Ingest:PerMinute",
        "1",
        "RateLimits__Ingest__PerMinute is not a setting. Those of RateLimits__Ingest__… are: PerSecond, Burst."
    )]
    [InlineData("RateLimits:Enabled", "perhaps", "RateLimits__Enabled must be true or false.")]
    public void A_wrong_limit_is_refused_by_its_name(string key, string value, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<StartupException>(() => Bind((key, value))).Message);

    [Fact]
    public void One_number_can_be_set_and_the_others_stay()
    {
        var limits = Bind(("RateLimits:Ingest:PerSecond", "7"), ("RateLimits:Login:FailuresPerAccount", "3"));

        Assert.Equal((true, 7, 4_000), (limits.Enabled, limits.Ingest.PerSecond, limits.Ingest.Burst));
        Assert.Equal((60, 60, 30), (limits.InvalidKeys.PerMinute, limits.Analytics.PerMinute, limits.TakenAddresses.PerMinute));
        Assert.Equal(
            (3, 30, TimeSpan.FromMinutes(15)),
            (limits.Login.FailuresPerAccount, limits.Login.FailuresPerAddress, limits.Login.Window));
    }

    private RateLimiters Limiters(RateLimits limits) => new(limits, _clock);

    private static ClientAddress Address(string text) => ClientAddress.Of(IPAddress.Parse(text));

    private static int Passing(Func<TimeSpan?> ask, int times) => Enumerable.Range(0, times).Count(_ => ask() is null);

    private static RateLimits Bind(params (string Key, string Value)[] given) =>
        Settings.Bind<RateLimits>(
            new ConfigurationBuilder()
                .AddInMemoryCollection(given.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
                .Build(),
            "RateLimits");
}
