using ChatLogger.Configuration;
using ChatLogger.ExportJobs;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Exports;

public class ExportSettingsTests
{
    [Theory]
    [InlineData("Workers", "17", "Exports__Workers must be from 0 to 16.")]
    [InlineData("Poll", "soon", "Exports__Poll must be a duration such as 00:00:30, from 00:00:00.010 to 00:01:00.")]
    [InlineData("Heartbeat", "00:00:45", "Exports__Heartbeat must be at most half of Exports__Lease.")]
    public void Invalid_settings_refuse_the_start_with_their_name(string name, string value, string sentence)
    {
        var refusal = Assert.Throws<StartupException>(() => Read(name, value));

        Assert.Equal(sentence, refusal.Message);
    }

    [Fact]
    public void Omitted_settings_have_the_documented_defaults()
    {
        var settings = Read("Directory", "/srv/exports");

        Assert.Equal(new ExportSettings { Directory = "/srv/exports" }, settings);
        Assert.Equal((2, 2, 10, 20, 5), (settings.Workers, settings.Running, settings.Queued, settings.PerHour, settings.Attempts));
    }

    private static ExportSettings Read(string name, string value) => ExportSettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [$"Exports:{name}"] = value }).Build());
}
