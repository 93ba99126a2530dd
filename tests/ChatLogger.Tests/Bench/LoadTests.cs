using System.Text;
using ChatLogger.Bench;
using ChatLogger.Bench.Http;
using Microsoft.AspNetCore.Http;

namespace ChatLogger.Tests.Bench;

public class LoadTests
{
    [Fact]
    public async Task Every_conversation_becomes_a_chat_with_its_messages_in_order()
    {
        await using var service = await InMemoryChatLogger.Start();

        var report = await Load(service, Lines(20));

        Assert.True(report.AllAcknowledged);
        Assert.Equal((20, 60, 60 * 2), (report.Conversations, report.Messages, report.ContentBytes));
        var chat = service.ChatOf("c7");
        Assert.Equal(("About 7", "Coffee"), ((string?)chat.Body["title"], (string?)chat.Body["tags"]![0]));
        Assert.Equal(["m0", "m1", "m2"], chat.Messages.Select(message => (string?)message["content"]));
        Assert.Equal("1.50", chat.Messages[0]["metadata"]!["n"]!.ToJsonString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(100)]
    public async Task In_batches_it_is_the_same(int batch)
    {
        await using var service = await InMemoryChatLogger.Start();
        var largest = 0;
        service.Before = (_, body) =>
        {
            largest = Math.Max(largest, body["items"]!.AsArray().Count);
            return null;
        };

        var report = await Load(service, Lines(20) + "{oops\n", batch);

        Assert.Equal((20, 60, 60 * 2, 1), (report.Conversations, report.Messages, report.ContentBytes, report.Malformed));
        Assert.Equal(batch == 100 ? 80 : batch, largest);
        Assert.Equal(20, service.Chats.Count);
        Assert.Equal(80, service.Keyed.Count);
        var chat = service.ChatOf("c7");
        Assert.Equal(("About 7", "Coffee"), ((string?)chat.Body["title"], (string?)chat.Body["tags"]![0]));
        Assert.Equal(["m0", "m1", "m2"], chat.Messages.Select(message => (string?)message["content"]));
        Assert.Equal("1.50", chat.Messages[0]["metadata"]!["n"]!.ToJsonString());
    }

    [Fact]
    public async Task A_batch_without_an_answer_and_one_with_an_item_to_come_back_later_are_sent_again_as_they_were()
    {
        await using var service = await InMemoryChatLogger.Start();
        var (arrived, later) = (new List<string>(), 0);
        service.Before = (http, body) =>
        {
            lock (arrived)
                arrived.Add(body.ToJsonString());
            if (arrived.Count != 1)
                return null;
            http.Abort();
            return Results.Empty;
        };
        service.BeforeItem = (_, item) => (string?)item["content"] == "m2" && Interlocked.Increment(ref later) == 1 ? 503 : null;

        var report = await Load(service, Lines(1), 100);

        Assert.True(report.AllAcknowledged, Printed(report));
        Assert.Equal(3, arrived.Count);
        Assert.Single(arrived.Distinct());
        Assert.Equal(3, service.ChatOf("c0").Messages.Count);
    }

    [Fact]
    public async Task In_a_batch_a_refused_message_is_skipped_and_a_refused_chat_skips_its_messages()
    {
        await using var service = await InMemoryChatLogger.Start();
        service.BeforeItem = (_, item) =>
            (string?)item["title"] == "About 1" ? 400
            : item["chatRef"]?.ToString() == "c1" ? 404
            : (string?)item["content"] == "m1" ? 400
            : null;

        var report = await Load(service, Lines(3), 100);

        Assert.Equal((0, 3, 4, 3, 3), (report.Conversations, report.Incomplete, report.Messages, report.Refused, report.NotSent));
        Assert.Contains("line 2, chat: \"Because.\"", Printed(report), StringComparison.Ordinal);
        Assert.Contains("line 3, message 1: \"Because.\"", Printed(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_is_counted_by_status_and_type_and_the_load_continues()
    {
        await using var service = await InMemoryChatLogger.Start();
        service.Before = (_, body) => (string?)body["content"] == "m1" ? InMemoryChatLogger.Refusal(400, "validation") : null;

        var report = await Load(service, Lines(3));

        Assert.False(report.AllAcknowledged);
        Assert.Equal((0, 3, 6, 3), (report.Conversations, report.Incomplete, report.Messages, report.Refused));
        Assert.Equal(3, report.Faults["refused, 400 \"validation\""]);
        Assert.Contains("line 2, message 1: \"Because.\"", Printed(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_malformed_line_is_counted_and_the_others_are_logged()
    {
        await using var service = await InMemoryChatLogger.Start();

        var report = await Load(service, Lines(1) + "{oops\n");

        Assert.False(report.AllAcknowledged);
        Assert.Equal((1, 1), (report.Conversations, report.Malformed));
        Assert.Contains("line 2: not JSON", Printed(report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task A_request_to_come_back_later_is_followed(int status)
    {
        await using var service = await InMemoryChatLogger.Start();
        var asked = 0;
        service.Before = (http, _) =>
        {
            if (Interlocked.Increment(ref asked) > 3)
                return null;
            http.Response.Headers.RetryAfter = "0";
            return InMemoryChatLogger.Refusal(status, "later");
        };

        var report = await Load(service, Lines(2));

        Assert.True(report.AllAcknowledged);
        Assert.Equal((6, 3), (report.Messages, report.Retries));
    }

    [Fact]
    public async Task A_service_that_keeps_asking_for_retries_is_given_up()
    {
        await using var service = await InMemoryChatLogger.Start();
        service.Before = (http, _) =>
        {
            http.Response.Headers.RetryAfter = "0";
            return InMemoryChatLogger.Refusal(503, "unavailable");
        };

        var report = await Load(service, Lines(1));

        Assert.False(report.AllAcknowledged);
        Assert.Equal((1, 7, 3), (report.Refused, report.Retries, report.NotSent));
    }

    [Fact]
    public async Task A_message_without_an_answer_is_unknown_and_not_sent_again()
    {
        await using var service = await InMemoryChatLogger.Start();
        var arrived = 0;
        service.Before = (http, body) =>
        {
            if ((string?)body["content"] != "m1")
                return null;
            Interlocked.Increment(ref arrived);
            http.Abort();
            return Results.Empty;
        };

        var report = await Load(service, Lines(1));

        Assert.Equal((1, 1, 2), (arrived, report.Unknown, report.Messages));
        Assert.False(report.AllAcknowledged);
        Assert.Contains("unknown outcome, may be logged or not: 1", Printed(report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("acme", "clk_wrong", "the key is not accepted", 0)]
    [InlineData("globex", InMemoryChatLogger.Key, "does not belong", 0)]
    [InlineData("acme", "clk_wrong", "the key is not accepted", 10)]
    [InlineData("globex", InMemoryChatLogger.Key, "does not belong", 10)]
    public async Task A_refusal_that_every_line_would_get_ends_the_load(string slug, string key, string reason, int batch)
    {
        await using var service = await InMemoryChatLogger.Start();
        using var http = service.Client();

        var report = await new Loader(http, slug, key, connections: 2, batch: batch).Load(File(Lines(200)));

        Assert.Contains(reason, report.Stopped, StringComparison.Ordinal);
        Assert.InRange(report.Refused, 1, 10);
    }

    [Fact]
    public async Task No_connection_is_tried_again_and_then_ends_the_load()
    {
        var service = await InMemoryChatLogger.Start();
        using var http = service.Client();
        await service.DisposeAsync();

        var report = await new Loader(http, "acme", InMemoryChatLogger.Key, 1, new RetryPolicy(TimeProvider.System, attempts: 2)).Load(
            File(Lines(5)));

        Assert.Equal((1, 1, 0), (report.Unreachable, report.Retries, report.Unknown));
        Assert.Contains("no connection", report.Stopped, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_load_finishes_what_is_on_its_way_and_reports()
    {
        await using var service = await InMemoryChatLogger.Start();
        using var stop = new CancellationTokenSource();
        service.Before = (_, body) =>
        {
            if ((string?)body["content"] == "m1")
                stop.Cancel();
            return null;
        };
        using var http = service.Client();

        var report = await new Loader(http, "acme", InMemoryChatLogger.Key, 1).Load(File(Lines(50)), null, stop.Token);

        Assert.Equal("interrupted", report.Stopped);
        Assert.Equal((2, 1, 0), (report.Messages, report.NotSent, report.Unknown));
        Assert.False(report.AllAcknowledged);
    }

    internal static ConversationFile File(string lines) => new(new MemoryStream(Encoding.UTF8.GetBytes(lines)));

    internal static async Task<LoadReport> Load(InMemoryChatLogger service, string lines, int batch = 0)
    {
        using var http = service.Client();
        return await new Loader(http, InMemoryChatLogger.Slug, InMemoryChatLogger.Key, batch: batch).Load(File(lines));
    }

    internal static string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(n =>
        $$$"""{"conversationId":"c{{{n}}}","vertical":"Coffee","scenario":"About {{{n}}}","messages":["""
        + """{"role":"user","content":"m0","metadata":{"n":1.50,"big":9007199254740993}},"""
        + """{"role":"assistant","content":"m1"},{"role":"user","content":"m2","metadata":null}]}""" + "\n"));

    private static string Printed(LoadReport report)
    {
        using var output = new StringWriter();
        report.Print(output);
        return output.ToString();
    }
}
