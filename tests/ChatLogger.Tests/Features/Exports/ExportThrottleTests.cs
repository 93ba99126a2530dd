using ChatLogger.ExportJobs;
using ChatLogger.Http;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace ChatLogger.Tests.Features.Exports;

public class ExportThrottleTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private readonly FakeTimeProvider _time = new();
    private readonly IngestActivity _traffic = new();

    [Fact]
    public void Without_ingest_activity_an_export_is_not_throttled()
    {
        var pace = new ExportThrottle(_traffic, 1, _time);

        _time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Equal(TimeSpan.Zero, pace.RequiredDelay());
    }

    [Fact]
    public void During_ingest_activity_an_export_pauses_as_long_as_it_worked()
    {
        var pace = new ExportThrottle(_traffic, 1.5, _time);
        _traffic.RecordWrite();

        _time.Advance(TimeSpan.FromMilliseconds(19));
        Assert.Equal(TimeSpan.Zero, pace.RequiredDelay());
        _time.Advance(TimeSpan.FromMilliseconds(21));
        Assert.Equal(TimeSpan.FromMilliseconds(60), pace.RequiredDelay());

        // The pause is not work, and no plugin has written since.
        _time.Advance(TimeSpan.FromMilliseconds(60));
        pace.Resume();
        _time.Advance(TimeSpan.FromMilliseconds(30));
        Assert.Equal(TimeSpan.Zero, pace.RequiredDelay());
        _traffic.RecordWrite();
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.Equal(TimeSpan.FromMilliseconds(30), pace.RequiredDelay());
    }

    [Fact]
    public async Task A_request_to_the_plugin_API_counts_as_ingest_activity()
    {
        var acme = await app.Org("acme");
        var activity = (IngestActivity)app.Services.GetService(typeof(IngestActivity))!;
        var before = activity.Writes;

        await acme.Say(await acme.Chat(), "x");

        Assert.Equal(before + 2, activity.Writes);
    }
}
