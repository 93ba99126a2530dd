using System.Text.Json.Nodes;
using ChatLogger.Bench;
using ChatLogger.Bench.Http;

namespace ChatLogger.Tests.Bench;

/// <summary>The comparison detects differences: each test changes the logged chats in one way.</summary>
public partial class VerifyTests
{
    private static readonly string File = LoadTests.Lines(5);

    [Fact]
    public async Task Loaded_conversations_are_found_equal()
    {
        await using var service = await Loaded();
        service.Chats["other"] = new InMemoryChatLogger.Chat(
            "other",
            new JsonObject { ["metadata"] = new JsonObject { ["conversationId"] = "elsewhere" } },
            []);

        var report = await Verify(service);

        Assert.True(report.Equal);
        Assert.Equal((5, 15, 1), (report.Conversations, report.Messages, report.Others));
        Assert.Equal(3 + 5 * 2, report.Pages);
        Assert.EndsWith("Equal.\n", Printed(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_message_is_missing()
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages.RemoveAt(1);

        await Finds(service, Kind.Missing, 1, "line 3, \"c2\", message 1: missing message, \"m1\"");
    }

    [Fact]
    public async Task A_lost_last_message_is_missing()
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages.RemoveAt(2);

        await Finds(service, Kind.Missing, 2, "line 3, \"c2\", message 2: missing message, \"m2\"");
    }

    [Fact]
    public async Task A_duplicate_message_is_reported()
    {
        await using var service = await Loaded();
        var messages = service.ChatOf("c2").Messages;
        messages.Insert(1, Copy(messages[0], "another-id"));

        await Finds(service, Kind.Doubled, 0, "message 0: doubled message, again at 1: \"m0\"");
    }

    [Fact]
    public async Task A_message_that_two_pages_list_is_doubled()
    {
        await using var service = await Loaded();
        var messages = service.ChatOf("c2").Messages;
        messages.Add(messages[2]);

        await Finds(service, Kind.Doubled, 2, "message 2: doubled message, again at 3: \"m2\"");
    }

    [Fact]
    public async Task Two_messages_that_changed_places_are_out_of_order()
    {
        await using var service = await Loaded();
        var messages = service.ChatOf("c2").Messages;
        (messages[0], messages[1]) = (messages[1], messages[0]);

        await Finds(service, Kind.OutOfOrder, null, "out of order message, stands at");
    }

    [Theory]
    [InlineData("m1", "n1")]
    [InlineData("m1", "m1 ")]
    [InlineData("m1", "M1")]
    public async Task A_single_byte_of_content_makes_a_difference(string from, string to)
    {
        await using var service = await Loaded();
        var message = service.ChatOf("c2").Messages[1];
        Assert.Equal(from, (string?)message["content"]);
        message["content"] = to;

        await Finds(service, Kind.Different, 1, $"message 1: different content, expected \"{from}\", found \"{to}\"");
    }

    [Fact]
    public async Task Another_role_makes_a_difference()
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages[1]["role"] = "user";

        await Finds(service, Kind.Different, 1, "different role, expected \"assistant\", found \"user\"");
    }

    [Theory]
    [InlineData("""{"n":1.5,"big":9007199254740992}""")]
    [InlineData("""{"n":1.51,"big":9007199254740993}""")]
    [InlineData("""{"n":"1.5","big":9007199254740993}""")]
    [InlineData("""{"n":1.5}""")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task Another_number_in_the_metadata_makes_a_difference(string metadata)
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages[0]["metadata"] = JsonNode.Parse(metadata);

        await Finds(service, Kind.Different, 0, "message 0: different metadata");
    }

    [Fact]
    public async Task Another_spelling_of_the_same_metadata_makes_no_difference()
    {
        await using var service = await Loaded();
        var messages = service.ChatOf("c2").Messages;
        messages[0]["metadata"] = JsonNode.Parse("""{"big":9007199254740993.0,"n":15e-1}""");
        messages[1]["metadata"] = new JsonObject();

        Assert.True((await Verify(service)).Equal);
    }

    [Fact]
    public async Task A_message_nobody_sent_is_unexpected()
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Messages.Insert(0, new JsonObject { ["id"] = "x", ["role"] = "user", ["content"] = "not mine" });

        await Finds(service, Kind.Unexpected, 0, "unexpected message, \"not mine\"");
    }

    [Fact]
    public async Task A_lost_chat_is_a_missing_conversation()
    {
        await using var service = await Loaded();
        service.Chats.TryRemove(service.ChatOf("c2").Id, out _);

        await Finds(service, Kind.Missing, null, "line 3, \"c2\": missing conversation, with 3 messages");
    }

    [Fact]
    public async Task A_chat_that_was_logged_twice_is_a_doubled_conversation()
    {
        await using var service = await Loaded();
        var chat = service.ChatOf("c2");
        service.Chats["99"] = chat with { Id = "99" };

        await Finds(service, Kind.Doubled, null, "line 3, \"c2\": doubled conversation, chats 99 and ");
    }

    [Theory]
    [InlineData("title", "\"About 3\"")]
    [InlineData("title", "null")]
    [InlineData("tags", "[]")]
    [InlineData("tags", """["Coffee","Tea"]""")]
    [InlineData("metadata", """{"conversationId":"c2","vertical":"Coffee"}""")]
    public async Task Another_chat_field_makes_a_difference(string field, string value)
    {
        await using var service = await Loaded();
        service.ChatOf("c2").Body[field] = JsonNode.Parse(value);

        await Finds(service, Kind.Different, null, $"line 3, \"c2\": different {field}");
    }

    [Fact]
    public async Task A_message_in_the_wrong_chat_is_missing_here_and_unexpected_or_doubled_there()
    {
        await using var service = await Loaded();
        var (from, to) = (service.ChatOf("c1").Messages, service.ChatOf("c2").Messages);
        to.Add(from[2]);
        from.RemoveAt(2);

        var report = await Verify(service);

        Assert.False(report.Equal);
        Assert.Equal((1, 1), (report.OfMessages(Kind.Missing), report.OfMessages(Kind.Doubled)));
    }

    private static async Task<InMemoryChatLogger> Loaded()
    {
        var service = await InMemoryChatLogger.Start();
        Assert.True((await LoadTests.Load(service, File)).AllAcknowledged);
        return service;
    }

    private static async Task<VerifyReport> Verify(InMemoryChatLogger service, string? file = null)
    {
        using var http = service.Client();
        var client = await DashboardClient.LogIn(
            http,
            InMemoryChatLogger.Email,
            InMemoryChatLogger.Password,
            new RetryPolicy(TimeProvider.System));
        return await new Verifier(client).Verify(LoadTests.File(file ?? File));
    }

    // Only this difference.
    private static async Task Finds(InMemoryChatLogger service, Kind kind, int? index, string shown)
    {
        var report = await Verify(service);

        Assert.False(report.Equal);
        var difference = Assert.Single(report.Differences);
        Assert.Equal((kind, 3L, "c2"), (difference.Kind, difference.Line, difference.ConversationId));
        if (kind != Kind.OutOfOrder)
            Assert.Equal(index, difference.Index);
        Assert.Contains(shown, difference.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("NOT equal.\n", Printed(report), StringComparison.Ordinal);
    }

    private static JsonObject Copy(JsonObject message, string id)
    {
        var copy = message.DeepClone().AsObject();
        copy["id"] = id;
        return copy;
    }
}
