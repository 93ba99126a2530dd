using ChatLogger.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Http;

public class TimeZonesTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("Asia/Calcutta")]
    [InlineData("Europe/Kiev")]
    [InlineData("US/Eastern")]
    [InlineData("America/Buenos_Aires")]
    [InlineData("UTC")]
    [InlineData("Etc/GMT+5")]
    public async Task An_alias_is_a_zone_everywhere_and_keeps_its_spelling(string zone)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        Assert.Equal(
            zone,
            (await admin.Patch("/orgs/me", new { settings = new { timeZone = zone } }))
                .Is(200)["settings"]
                .GetProperty("timeZone")
                .GetString());
        await Works(admin, zone, zone);
        Assert.Equal(zone, (await admin.Get($"/analytics/orgs/me/summary?tz={Uri.EscapeDataString(zone)}")).Is(200).Text("tz"));
        Assert.Equal(zone, (await admin.Get($"/analytics/orgs/me/conversations?tz={Uri.EscapeDataString(zone)}")).Is(200).Text("tz"));
        (await admin.Post("/exports/orgs/me", new { format = "csv", timeZone = zone, from = "2026-01-01" })).Is(200);
    }

    [Theory]
    [InlineData("europe/amsterdam", "Europe/Amsterdam")]
    [InlineData("W. Europe Standard Time", "UTC")]
    [InlineData("Mars/Olympus", "UTC")]
    public async Task A_stored_name_that_is_not_known_stops_nothing_and_means_the_same_everywhere(string stored, string means)
    {
        var acme = await app.Org("acme");
        await app.Execute("update organizations set time_zone = @stored where id = @Id", new { stored, acme.Id });

        await Works(await acme.Admin(), "2026-07-01", means);
    }

    [Theory]
    [InlineData("UTC+3")]
    [InlineData("UTC+03:00")]
    [InlineData("asia/calcutta")]
    [InlineData("India Standard Time")]
    [InlineData("")]
    [InlineData(" UTC")]
    [InlineData("../etc/passwd")]
    public void Names_that_only_one_library_knows_are_refused(string name) => Assert.Null(TimeZones.Find(name));

    // The chat list, analytics and exports agree on the beginning of a day.
    private async Task Works(Caller admin, string title, string zone)
    {
        var midnight = (await admin.Get("/analytics/orgs/me/summary?from=2026-07-01&to=2026-07-02")).Is(200);
        Assert.Equal(zone, midnight.Text("tz"));
        Assert.Equal(zone, (await admin.Get("/analytics/orgs/me/conversations?from=2026-07-01&to=2026-07-02")).Is(200).Text("tz"));

        var chat = (await admin.Post("/orgs/me/chats", new { title })).Is(201).Text("id");
        await app.Execute(
            "update chats set created_at = @At where id = @Id",
            new { At = midnight["from"].GetDateTimeOffset(), Id = Guid.Parse(chat) });
        Assert.Contains(chat, (await admin.Get("/orgs/me/chats?from=2026-07-01&to=2026-07-02")).Is(200).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(chat, (await admin.Get("/orgs/me/chats?to=2026-07-01")).Is(200).Body, StringComparison.Ordinal);
        Assert.Contains(
            chat,
            (await admin.Post("/exports/orgs/me", new { format = "jsonl", from = "2026-07-01" })).Is(200).Body,
            StringComparison.Ordinal);
        Assert.DoesNotContain(
            chat,
            (await admin.Post("/exports/orgs/me", new { format = "jsonl", to = "2026-07-01" })).Is(200).Body,
            StringComparison.Ordinal);
    }
}
