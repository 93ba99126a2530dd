using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace ChatLogger.Tests.Features.Exports;

public class ExportPaceTests(LentApp app) : IClassFixture<LentApp>
{
    private readonly FakeTimeProvider _time = new();
    private readonly Traffic _traffic = new();

    [Fact]
    public void When_nobody_writes_an_export_never_rests()
    {
        var pace = new ExportPace(_traffic, 1, _time);

        _time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Equal(TimeSpan.Zero, pace.Owed());
    }

    [Fact]
    public void While_plugins_write_it_rests_as_long_as_it_worked()
    {
        var pace = new ExportPace(_traffic, 1.5, _time);
        _traffic.Wrote();

        _time.Advance(TimeSpan.FromMilliseconds(19));
        Assert.Equal(TimeSpan.Zero, pace.Owed());
        _time.Advance(TimeSpan.FromMilliseconds(21));
        Assert.Equal(TimeSpan.FromMilliseconds(60), pace.Owed());

        // The rest is no work, and nobody has written since.
        _time.Advance(TimeSpan.FromMilliseconds(60));
        pace.Rested();
        _time.Advance(TimeSpan.FromMilliseconds(30));
        Assert.Equal(TimeSpan.Zero, pace.Owed());
        _traffic.Wrote();
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.Equal(TimeSpan.FromMilliseconds(30), pace.Owed());
    }

    [Fact]
    public async Task A_request_at_the_plugin_door_is_traffic()
    {
        var acme = await app.Org("acme");
        var traffic = (Traffic)app.Services.GetService(typeof(Traffic))!;
        var before = traffic.Writes;

        await acme.Say(await acme.Chat(), "x");

        Assert.Equal(before + 2, traffic.Writes);
    }
}
