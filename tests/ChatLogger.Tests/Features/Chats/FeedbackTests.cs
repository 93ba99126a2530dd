namespace ChatLogger.Tests.Features.Chats;

/// <summary>End users' feedback: sent by a plugin, visible in reads, exports and the summary.</summary>
public partial class FeedbackTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_chat_and_a_message_are_rated_and_it_is_seen_everywhere()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var chat = await acme.Chat();
        var (first, second) = (await acme.Say(chat, "one"), await acme.Say(chat, "two"));
        await globex.Say(await globex.Chat(), "theirs");

        var onChat = (await Rate(acme, chat, null, new { rating = "up", comment = "Thanks!" })).Is(200);
        var onMessage = (await Rate(acme, chat, second, new { rating = "down" })).Is(200);

        Assert.Equal(["rating", "comment", "at"], onChat.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("up", "Thanks!"), (onChat.Text("rating"), onChat.Text("comment")));
        Assert.Matches("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$", onChat.Text("at"));
        Assert.StartsWith("""{"rating":"down","comment":null,"at":""", onMessage.Body, StringComparison.Ordinal);

        var admin = await acme.Admin();
        Assert.Equal(onChat.Body, (await admin.Get($"/orgs/me/chats/{chat}")).Is(200)["feedback"].GetRawText());
        Assert.Equal(onChat.Body, (await admin.Get("/orgs/me/chats")).Is(200)["items"][0].GetProperty("feedback").GetRawText());
        var messages = (await admin.Get($"/orgs/me/chats/{chat}/messages")).Is(200)["items"];
        Assert.Equal("null", messages[0].GetProperty("feedback").GetRawText());
        Assert.Equal(onMessage.Body, messages[1].GetProperty("feedback").GetRawText());
        var export = (await admin.Post("/exports/orgs/me", new { format = "json" })).Is(200).Json[0];
        Assert.Equal(onChat.Body, export.GetProperty("feedback").GetRawText());
        Assert.Equal(onMessage.Body, export.GetProperty("messages")[1].GetProperty("feedback").GetRawText());
        var table = (await admin.Post("/exports/orgs/me", new { format = "csv" })).Is(200).Body.Split("\r\n");
        Assert.Matches($",{first},.*,,\\d{{4}}-[^,]*,,,,$", table[1]);
        Assert.Matches($",{second},.*,down,\\d{{4}}-[^,]*,,,,$", table[2]);

        Assert.Equal(2, await acme.Count("feedback"));
        Assert.Equal(0, await globex.Count("feedback"));
        Assert.Equal("null", (await (await globex.Admin()).Get("/orgs/me/chats")).Is(200)["items"][0].GetProperty("feedback").GetRawText());
    }

    [Fact]
    public async Task The_last_feedback_replaces_the_previous_one_completely()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "one");

        foreach (var target in new[] { null, message })
        {
            var first = (await Rate(acme, chat, target, new { rating = "up", comment = "good" })).Is(200);
            app.Clock.Advance(TimeSpan.FromSeconds(1));
            var last = (await Rate(acme, chat, target, """{"rating":"down","comment":""}""")).Is(200);

            Assert.Equal("down null", $"{last.Text("rating")} {last["comment"].GetRawText()}");
            Assert.True(string.CompareOrdinal(last.Text("at"), first.Text("at")) > 0);
            Assert.Equal(
                "down",
                await app.Value<string>(
                    "select rating from feedback where org_id = @Id and target_id = @Target::uuid and chat_id = @Chat::uuid and comment "
                        + "is null",
                    new
                    {
                        acme.Id,
                        Target = target ?? chat,
                        Chat = chat,
                    }));
        }
        Assert.Equal(2, await acme.Count("feedback"));
    }

    [Theory]
    [InlineData("{}", "rating")]
    [InlineData("""{"rating":null}""", "rating")]
    [InlineData("""{"rating":""}""", "rating")]
    [InlineData("""{"rating":"UP"}""", "rating")]
    [InlineData("""{"rating":" up"}""", "rating")]
    [InlineData("""{"rating":1}""", "rating")]
    [InlineData("""{"rating":"up","comment":1}""", "comment")]
    [InlineData("""{"rating":"up","comment":"a\u0000b"}""", null)]
    [InlineData("""{"rating":"up","comment":"\ud800"}""", null)]
    [InlineData("""{"rating":"up","rating":"down"}""", null)]
    [InlineData("""{"rating":"up","at":"2026-01-01T00:00:00Z"}""", null)]
    [InlineData("[]", null)]
    public async Task Invalid_feedback_is_refused_and_keeps_the_previous_one(string body, string? path)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "one");
        (await Rate(acme, chat, null, new { rating = "up", comment = "as it was" })).Is(200);

        foreach (var answer in new[] { await Rate(acme, chat, null, body), await Rate(acme, chat, message, body) })
        {
            if (path is null)
                answer.IsProblem(400, "validation");
            else
                answer.IsInvalid(path);
        }
        (await Rate(acme, $"{Guid.CreateVersion7()}", null, body)).Is(400);

        Assert.Equal(
            "as it was",
            await app.Value<string>("select string_agg(comment, '|') from feedback where org_id = @Id", new { acme.Id }));
    }

    [Theory]
    [InlineData("a\"b\\c\u0001\u200f e\u0301 \ud83d\ude00 '; drop table feedback; --\r\n\t")]
    [InlineData("   ")]
    [InlineData("2000")]
    public async Task A_comment_is_returned_unchanged(string comment)
    {
        if (comment == "2000")
            comment = string.Concat(Enumerable.Repeat("😀", 2_000));
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        Assert.Equal(comment, (await Rate(acme, chat, null, new { rating = "up", comment })).Is(200).Text("comment"));
        Assert.Equal(
            comment,
            (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200)["feedback"].GetProperty("comment").GetString());
        (await Rate(acme, chat, null, new { rating = "down", comment = string.Concat(Enumerable.Repeat("😀", 2_001)) })).IsInvalid(
            "comment");
        Assert.Equal("up", await app.Value<string>("select rating from feedback where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Missing_chats_and_messages_cannot_be_rated()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (chat, other, deleted, theirs) = (await acme.Chat(), await acme.Chat(), await acme.Chat(), await globex.Chat());
        var (message, gone, foreign) = (await acme.Say(chat, "one"), await acme.Say(deleted, "gone"), await globex.Say(theirs, "theirs"));
        await app.Execute("update chats set deleted_at = now() where id = @deleted::uuid", new { deleted });
        var nowhere = $"{Guid.CreateVersion7()}";

        var chats = new List<string>();
        foreach (var id in new[] { deleted, theirs, nowhere, message, "x" })
            chats.Add((await Rate(acme, id, null, new { rating = "up" })).IsProblem(404, "not-found").Comparable);
        var messages = new List<string>();
        // The right message in another chat does not exist; nor is a chat a message of its own.
        foreach (
            var (within, id) in new[]
            {
                (chat, foreign),
                (theirs, foreign),
                (other, message),
                (deleted, gone),
                (chat, nowhere),
                (nowhere, message),
                (chat, chat),
                (chat, "x"),
            })
            messages.Add((await Rate(acme, within, id, new { rating = "up" })).IsProblem(404, "not-found").Comparable);

        Assert.Single(chats.Distinct());
        Assert.Single(messages.Distinct());
        Assert.Equal(0, await acme.Count("feedback"));
        Assert.Equal(0, await globex.Count("feedback"));
    }

    private static async Task<Answer> Rate(Org org, string chat, string? message, object body) => await (await org.Plugin()).Send(
        HttpMethod.Put, $"{org.ApiPath}/chats/{chat}{(message is null ? "" : $"/messages/{message}")}/feedback", body);
}
