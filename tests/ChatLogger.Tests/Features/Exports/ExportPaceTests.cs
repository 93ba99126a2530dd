using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Exports;

public class ExportPaceTests(LentApp app) : IClassFixture<LentApp>
{
    private readonly Stopwatch _time = new();
    private readonly Traffic _traffic = new();

    [Fact]
    public void When_nobody_writes_an_export_never_rests()
    {
        var pace = new ExportPace(_traffic, 1, _time);

        _time.Pass(500);

        Assert.Equal(TimeSpan.Zero, pace.Owed());
    }

    [Fact]
    public void While_plugins_write_it_rests_as_long_as_it_worked()
    {
        var pace = new ExportPace(_traffic, 1.5, _time);
        _traffic.Wrote();

        _time.Pass(19);
        Assert.Equal(TimeSpan.Zero, pace.Owed());
        _time.Pass(21);
        Assert.Equal(TimeSpan.FromMilliseconds(60), pace.Owed());

        // The rest is no work, and nobody has written since.
        _time.Pass(60);
        pace.Rested();
        _time.Pass(30);
        Assert.Equal(TimeSpan.Zero, pace.Owed());
        _traffic.Wrote();
        _time.Pass(20);
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

    private sealed class Stopwatch : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1_000;

        public override long GetTimestamp() => _now;

        public void Pass(int milliseconds) => _now += milliseconds;
    }
}
