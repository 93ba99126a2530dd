using ChatLogger.Bench;
using ChatLogger.Bench.Http;

namespace ChatLogger.Tests.Bench;

public partial class VerifyTests
{
    [Fact]
    public async Task Several_faults_in_one_chat_are_distinguished()
    {
        await using var service = await InMemoryChatLogger.Start();
        var messages = string.Join(',', Enumerable.Range(0, 12).Select(n => $$"""{"role":"user","content":"m{{n}}"}"""));
        var file = $$"""{"conversationId":"c","messages":[{{messages}}]}""";
        await LoadTests.Load(service, file);
        var stored = service.ChatOf("c").Messages;
        stored[10]["content"] = "changed";
        stored.Insert(8, Copy(stored[7], "again"));
        stored.RemoveAt(3);

        var report = await Verify(service, file);

        Assert.Equal(["missing", "doubled", "different"], report.Differences.Select(difference => Difference.Name(difference.Kind)));
        Assert.Equal([3, 7, 10], report.Differences.Select(difference => difference.Index));
    }

    [Fact]
    public async Task Differences_are_shown_ten_at_most_in_the_order_of_the_file()
    {
        await using var service = await InMemoryChatLogger.Start();
        await LoadTests.Load(service, LoadTests.Lines(30));
        foreach (var chat in service.Chats.Values)
            chat.Messages.Clear();

        var report = await Verify(service, LoadTests.Lines(30));

        Assert.Equal(90, report.Count(Kind.Missing));
        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 3, 3, 4], report.Differences.Select(difference => difference.Line));
    }

    [Fact]
    public async Task A_malformed_or_repeated_line_of_the_file_is_not_equal_to_anything()
    {
        await using var service = await Loaded();

        var report = await Verify(service, File + File.Split('\n')[0] + "\n{oops\n");

        Assert.False(report.Equal);
        Assert.Equal((1, 1, 5), (report.Malformed, report.Count(Kind.Doubled), report.Conversations));
    }

    [Fact]
    public async Task Nothing_compared_is_not_equal()
    {
        await using var service = await InMemoryChatLogger.Start();

        var report = await Verify(service, "");

        Assert.False(report.Equal);
        Assert.EndsWith("NOTHING was compared.\n", Printed(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chat_that_cannot_be_read_is_reported_and_the_others_are_compared()
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages[1].Remove("content");

        await Finds(service, Kind.Unreadable, null, "line 3, \"c2\": unreadable messages, A message has no readable content.");
    }

    [Fact]
    public async Task A_wrong_password_is_reported()
    {
        await using var service = await InMemoryChatLogger.Start();
        using var http = service.Client();

        var refusal = await Assert.ThrowsAsync<ServiceException>(() =>
            DashboardClient.LogIn(http, InMemoryChatLogger.Email, "wrong", new RetryPolicy(TimeProvider.System)));

        Assert.Equal("The login was refused: 401 \"unauthorized\": \"Because.\"", refusal.Message);
    }

    private static string Printed(VerifyReport report)
    {
        using var output = new StringWriter();
        report.Print(output);
        return output.ToString();
    }
}
