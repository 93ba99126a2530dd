using ChatLogger.Auth;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

public sealed partial class ApiKeyCacheTests
{
    [Fact]
    public async Task A_key_ends_exactly_when_it_expires()
    {
        var brief = _directory.Grant(_acme, _clock.GetUtcNow() + Second);
        Assert.Equal(_acme, await Ask(brief));
        _clock.Advance(0.9 * Second);
        Assert.Equal(_acme, await Ask(brief));

        _clock.Advance(0.1 * Second);
        Assert.Null(await Ask(brief));
        Assert.Equal(1, _directory.Asked);
    }

    [Fact]
    public async Task An_unknown_key_is_unknown_for_a_second()
    {
        var unknown = ApiKey.Generate().Text;
        for (var i = 0; i < 10; i++)
            Assert.Null(await Ask(unknown));
        Assert.Equal(1, _directory.Asked);

        _clock.Advance(Second);
        Assert.Null(await Ask(unknown));
        Assert.Equal(2, _directory.Asked);
    }

    [Fact]
    public async Task A_malformed_key_is_not_looked_up_also_beside_a_valid_one()
    {
        await Ask(_key);
        foreach (
            var text in new[]
            {
                null,
                "",
                "x",
                _key[..^1],
                _key + "a",
                _key[..^1] + (_key[^1] == 'a' ? 'b' : 'a'),
                _key[..^1] + 'é',
                _key.Replace('_', '-'),
            })
            Assert.Equal((null, null), await _keys.Find(text, CancellationToken.None));

        Assert.Equal(1, _directory.Asked);
        Assert.Equal(1, _keys.Count);
    }

    [Fact]
    public async Task An_evicted_key_is_looked_up_at_once_and_no_other()
    {
        var globex = Guid.NewGuid();
        var (other, theirs) = (_directory.Grant(_acme), _directory.Grant(globex));
        string[] all = [_key, other, theirs];
        foreach (var key in all)
            await Ask(key);

        foreach (var key in all)
            _directory.Revoke(key);
        _keys.Invalidate(_key[4..20]);
        Assert.Equal([null, _acme, globex], await Task.WhenAll(all.Select(key => Ask(key))));
        _keys.InvalidateOrganization(_acme);
        Assert.Equal([null, null, globex], await Task.WhenAll(all.Select(key => Ask(key))));
    }

    [Fact]
    public async Task A_look_up_in_progress_when_the_key_was_revoked_is_not_cached()
    {
        _directory.Hold();
        var before = Ask(_key);
        await Wait.Until(() => _directory.Asked == 1);
        _directory.Revoke(_key);
        _keys.Invalidate(_key[4..20]);

        var after = Ask(_key);
        await Wait.Until(() => _directory.Asked == 2);
        _directory.Release();

        Assert.Equal(_acme, await before);
        Assert.Null(await after);
        Assert.Null(await Ask(_key));
    }
}
