using System.Globalization;
using ChatLogger.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Http;

public class Rfc3339Tests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000")]
    [InlineData("2026-11-01t12:00:00z", "2026-11-01T12:00:00.000")]
    [InlineData("2026-11-01T12:00:00.1Z", "2026-11-01T12:00:00.100")]
    [InlineData("2026-11-01T12:00:00.123456789Z", "2026-11-01T12:00:00.123")]
    [InlineData("2026-11-01T12:00:00.999999999999999999999999Z", "2026-11-01T12:00:00.999")]
    [InlineData("2026-11-01T12:00:00.000000001+01:00", "2026-11-01T11:00:00.000")]
    [InlineData("2026-11-01T00:30:00-23:59", "2026-11-02T00:29:00.000")]
    [InlineData("2026-11-01T12:00:00-00:00", "2026-11-01T12:00:00.000")]
    [InlineData("2024-02-29T23:59:59+14:00", "2024-02-29T09:59:59.000")]
    public void Times_written_by_other_languages_are_accepted(string text, string utc)
    {
        Assert.True(Rfc3339.TryParse(text, out var instant));
        Assert.Equal(TimeSpan.Zero, instant.Offset);
        Assert.Equal(utc, instant.ToString("yyyy-MM-dd'T'HH:mm:ss.fff", CultureInfo.InvariantCulture));
        Assert.Equal(0, instant.Ticks % TimeSpan.TicksPerMillisecond);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-01")]
    [InlineData("2026-11-01T12:00:00")]
    [InlineData("2026-11-01 12:00:00Z")]
    [InlineData("2026-11-01T12:00Z")]
    [InlineData("2026-11-01T12:00:00.Z")]
    [InlineData("2026-11-01T12:00:00,5Z")]
    [InlineData("2026-11-01T12:00:00.5")]
    [InlineData("2026-11-01T12:00:00.5ZZ")]
    [InlineData("2026-11-01T12:00:00.٣Z")]
    [InlineData("2026-11-01T24:00:00Z")]
    [InlineData("2026-11-01T12:60:00Z")]
    [InlineData("2026-11-01T12:00:60Z")]
    [InlineData("2026-02-29T12:00:00Z")]
    [InlineData("2026-1-01T12:00:00Z")]
    [InlineData("2026-11-01T12:00:00+1:00")]
    [InlineData("2026-11-01T12:00:00+0100")]
    [InlineData("2026-11-01T12:00:00+24:00")]
    [InlineData("2026-11-01T12:00:00+01:60")]
    [InlineData("2026-11-01T12:00:00 01:00")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    public void Malformed_times_are_refused(string text) => Assert.False(Rfc3339.TryParse(text, out _));

    [Fact]
    public void A_very_long_fraction_is_refused() =>
        Assert.False(Rfc3339.TryParse($"2026-11-01T12:00:00.{new string('1', 100_000)}Z", out _));

    [Theory]
    [InlineData("2026-11-01T12:00:00.123456789Z")]
    [InlineData("2026-11-01t13:00:00.123999999+01:00")]
    [InlineData("2026-11-01T12:00:00.123z")]
    public async Task The_three_places_that_take_a_time_take_the_same_ones(string time)
    {
        var acme = await app.Org("acme");
        var importing = app.Stranger.WithKey(await acme.Key("ingest", "import"));
        var admin = await acme.Admin();

        var batch = (await importing.Post($"{acme.ApiPath}/batch", new { items = new[] { new { type = "chat", createdAt = time } } })).Is(
            207);
        var id = batch["results"][0].GetProperty("id").GetString();
        Assert.Equal("2026-11-01T12:00:00.123Z", (await admin.Get($"/orgs/me/chats/{id}")).Is(200).Text("createdAt"));

        var encoded = Uri.EscapeDataString(time);
        Assert.Equal(1, (await admin.Get($"/orgs/me/chats?from={encoded}")).Is(200)["items"].GetArrayLength());
        Assert.Equal(
            "2026-11-01T12:00:00.123Z",
            (await admin.Get($"/analytics/orgs/me/summary?from={encoded}&to=2026-11-02")).Is(200).Text("from"));
        var export = (await admin.Post("/exports/orgs/me", new { format = "jsonl", from = time })).Is(200);
        Assert.Contains(id!, export.Body, StringComparison.Ordinal);
    }
}
