using System.Text;
using System.Text.Json;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>The options of a file, synchronous and asynchronous.</summary>
public class ExportOptionsTests(ExportApp app) : IClassFixture<ExportApp>
{
    private const string Bom = "\uFEFF";

    [Theory]
    [InlineData("messages", "sync")]
    [InlineData("messages", "async")]
    [InlineData("chats", "sync")]
    [InlineData("chats", "async")]
    public async Task A_csv_for_excel_begins_with_a_byte_order_mark_and_shows_the_clocks_of_its_zone(string layout, string mode)
    {
        var acme = await app.Org("acme");
        // One hour before and after clocks went forward in Amsterdam, and in India, which is half an hour off.
        var chat = await acme.InsertChat(at: new DateTime(2026, 3, 29, 0, 30, 0, DateTimeKind.Utc));
        await acme.InsertMessage(chat, "before", at: new DateTime(2026, 3, 29, 0, 30, 0, 5, DateTimeKind.Utc));
        await acme.InsertMessage(chat, "after", at: new DateTime(2026, 3, 29, 1, 30, 0, DateTimeKind.Utc));
        await acme.InsertMessage(chat, "before again", at: new DateTime(2026, 3, 29, 0, 59, 59, 999, DateTimeKind.Utc));
        var admin = await acme.Admin();

        var plain = await File(
            admin,
            new
            {
                format = "csv",
                layout,
                mode,
            });
        var amsterdam = await File(
            admin,
            new
            {
                format = "csv",
                layout,
                mode,
                bom = true,
                localTimes = true,
                timeZone = "Europe/Amsterdam",
            });
        var calcutta = await File(
            admin,
            new
            {
                format = "csv",
                layout,
                mode,
                localTimes = true,
                timeZone = "Asia/Calcutta",
            });
        var newYork = await File(
            admin,
            new
            {
                format = "csv",
                layout,
                mode,
                bom = true,
                localTimes = true,
                timeZone = "America/New_York",
            });
        var organizations = await File(
            admin,
            new
            {
                format = "csv",
                layout,
                mode,
                localTimes = true,
            });

        Assert.StartsWith("chatId,", plain, StringComparison.Ordinal);
        Assert.Contains("2026-03-29T00:30:00.005Z", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("+0", plain, StringComparison.Ordinal);
        Assert.StartsWith(Bom + "chatId,", amsterdam, StringComparison.Ordinal);
        Assert.Contains("2026-03-29T01:30:00.005+01:00", amsterdam, StringComparison.Ordinal);
        Assert.Contains("2026-03-29T03:30:00.000+02:00", amsterdam, StringComparison.Ordinal);
        Assert.DoesNotContain("Z,", amsterdam, StringComparison.Ordinal);
        Assert.StartsWith("chatId,", calcutta, StringComparison.Ordinal);
        Assert.Contains("2026-03-29T06:00:00.005+05:30", calcutta, StringComparison.Ordinal);
        Assert.Contains("2026-03-28T20:30:00.005-04:00", newYork, StringComparison.Ordinal);
        Assert.Contains("2026-03-29T00:30:00.005+00:00", organizations, StringComparison.Ordinal);
        // Nothing else differs: the same instants, row by row.
        Assert.Equal(plain, Utc(amsterdam[1..]));
        Assert.Equal(plain, Utc(calcutta));
        Assert.Equal(plain, Utc(newYork[1..]));
    }

    [Theory]
    [InlineData("json")]
    [InlineData("jsonl")]
    [InlineData("openai-jsonl")]
    public async Task The_choices_are_those_of_csv(string format)
    {
        var admin = await (await app.Org("acme")).Admin();

        (await admin.Post(ExportFixture.Path, new { format, bom = true })).IsInvalid("bom");
        (await admin.Post(ExportFixture.Path, new { format, localTimes = true })).IsInvalid("localTimes");
        (await admin.Post(ExportFixture.Path, new { format, bom = false, localTimes = false })).Is(200);
        (await admin.Post(ExportFixture.Path, new { format = "csv", bom = "true" })).IsInvalid("bom");
    }

    [Fact]
    public async Task A_file_for_training_leaves_out_what_trainers_refuse_and_counts_it()
    {
        var acme = await app.Org("acme");
        var asked = await acme.InsertChat("asked, never answered", at: Rows.Morning);
        await acme.InsertMessage(asked, "hello?");
        await acme.InsertMessage(asked, "old style", "function");
        await acme.InsertChat("nothing", at: Rows.Morning.AddDays(1));
        var answered = await acme.InsertChat("answered", at: Rows.Morning.AddDays(2));
        await acme.InsertMessage(answered, "weather?");
        await acme.InsertMessage(answered, "{\"sun\":1}", "tool");
        await acme.InsertMessage(answered, "sunny", "assistant");
        var admin = await acme.Admin();

        var location = (await admin.Post(ExportFixture.Path, new { format = "openai-jsonl", mode = "async" })).Is(202).Header("Location")!;
        var file = (await admin.Ended(location)).Is(200);

        Assert.Equal(
            """{"messages":[{"role":"user","content":"weather?"},{"role":"assistant","content":"sunny"}]}""" + "\n", file.Body);
        var export = (await admin.Get(ExportFixture.Path)).Is(200)["items"][0];
        Assert.Equal(3, export.GetProperty("skipped").GetInt64());
        Assert.Equal(1, export.GetProperty("rows").GetInt64());
        Assert.Equal(1, export.GetProperty("totalRows").GetInt64());
        Assert.Equal(file.Body, (await admin.Post(ExportFixture.Path, new { format = "openai-jsonl", mode = "sync" })).Is(200).Body);

        var others = (
            await admin.Ended((await admin.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202).Header("Location")!)
        ).Is(200);
        Assert.Equal(3, others.Body.Split('\n').Length - 1);
        Assert.Equal(0, (await admin.Get(ExportFixture.Path)).Is(200)["items"][0].GetProperty("skipped").GetInt64());
    }

    // As bytes, for a client's text has no byte order mark any more.
    private async Task<string> File(Caller admin, object request)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Post, ExportFixture.Path)
        {
            Content = Caller.Json(JsonSerializer.SerializeToUtf8Bytes(request)),
        };
        ask.Headers.TryAddWithoutValidation("Cookie", admin.Credential);
        using var answer = await app.Http.SendAsync(ask);
        if (answer.StatusCode == System.Net.HttpStatusCode.OK)
            return Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync());
        var location = answer.Headers.Location!.ToString();
        (await admin.Ended(location)).Is(200);
        using var fetch = new HttpRequestMessage(HttpMethod.Get, location);
        fetch.Headers.TryAddWithoutValidation("Cookie", admin.Credential);
        using var file = await app.Http.SendAsync(fetch);
        return Encoding.UTF8.GetString(await file.Content.ReadAsByteArrayAsync());
    }

    private static string Utc(string csv) => System.Text.RegularExpressions.Regex.Replace(
        csv,
        @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d",
        time => JsonSerializer.Deserialize<DateTimeOffset>($"\"{time.Value}\"").UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", null));
}
