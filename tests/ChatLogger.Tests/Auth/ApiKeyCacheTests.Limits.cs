using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Telemetry;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Configuration;
using NSubstitute;

namespace ChatLogger.Tests.Auth;

public sealed partial class ApiKeyCacheTests
{
    [Fact]
    public async Task Ten_thousand_invalid_keys_evict_no_valid_one_and_stay_within_the_capacity()
    {
        var live = Enumerable.Range(0, 500).Select(_ => _directory.Grant(_acme)).ToList();
        foreach (var key in live)
            await Ask(key);

        for (var i = 0; i < 10_500; i++)
            Assert.Null(await Ask(ApiKey.Generate().Text));
        Assert.InRange(_keys.Count, 501, 10_000);

        var asked = _directory.Asked;
        foreach (var key in live)
            Assert.Equal(_acme, await Ask(key));
        Assert.Equal(asked, _directory.Asked);
    }

    [Fact]
    public async Task With_too_many_valid_keys_the_oldest_are_evicted()
    {
        var keys = Remembering(new KeyCacheSettings { Entries = 100 });
        var live = Enumerable.Range(0, 150).Select(_ => _directory.Grant(_acme)).ToList();
        foreach (var key in live)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.NotNull((await keys.Find(key, CancellationToken.None)).Grant);
            Assert.InRange(keys.Count, 1, 100);
        }

        var asked = _directory.Asked;
        foreach (var key in live.TakeLast(50))
            Assert.NotNull((await keys.Find(key, CancellationToken.None)).Grant);
        Assert.Equal(asked, _directory.Asked);
        await keys.Find(live[0], CancellationToken.None);
        Assert.Equal(asked + 1, _directory.Asked);
    }

    [Fact]
    public async Task The_first_validator_that_knows_the_key_answers()
    {
        var (first, second) = (Substitute.For<IApiKeyValidator>(), Substitute.For<IApiKeyValidator>());
        second.Validate(Arg.Any<ApiKey>(), Arg.Any<CancellationToken>()).Returns(new ApiKeyGrant(_acme, "acme", ["ingest"], []));
        var keys = new ApiKeyCache([first, second], new KeyCacheSettings(), Uses(), _clock, new Instruments(new UnreadMeters()));

        var (key, grant) = await keys.Find(_key, CancellationToken.None);

        Assert.Equal((_key, "acme"), (key!.Text, grant!.OrgSlug));
        await first.Received(1).Validate(key, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_key_that_is_known_costs_no_memory()
    {
        await Ask(_key);
        async Task<long> Hundred()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                await _keys.Find(_key, CancellationToken.None);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        await Hundred();

        Assert.InRange(await Hundred(), 0, 1_000);
    }

    [Theory]
    [InlineData("KeyCache:Longest", "00:00:04.001", "KeyCache__Longest must be from 00:00:00 to 00:00:04.")]
    [InlineData("KeyCache:Longest", "00:00:01", "KeyCache__Fresh must be at most KeyCache__Longest.")]
    [InlineData("KeyCache:Entries", "1", "KeyCache__Entries must be from 100 to 1000000.")]
    public void Settings_under_which_a_right_would_outlive_its_end_refuse_the_start(string name, string value, string sentence)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();

        Assert.Equal(sentence, Assert.Throws<StartupException>(() => KeyCacheSettings.Read(configuration)).Message);
    }
}
