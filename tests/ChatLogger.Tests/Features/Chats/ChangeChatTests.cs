using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public class ChangeChatTests(App app) : IClassFixture<App>
{
    private static readonly object Whole = new
    {
        title = "old",
        tags = new[] { "a", "b" },
        metadata = new { page = 1, deep = new { x = 1 } },
        externalUserId = "v-1",
    };

    [Fact]
    public async Task A_plugin_changes_what_it_names_and_nothing_else()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var (chat, other) = (await acme.Chat(Whole), await acme.Chat(Whole));
        var path = $"{acme.ApiPath}/chats/{chat}";
        (await plugin.Send(HttpMethod.Put, $"{path}/feedback", new { rating = "up" })).Is(200);
        var before = (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200);
        app.Clock.Advance(TimeSpan.FromSeconds(1));

        var answer = (await plugin.Patch(path, new { title = "new" })).Is(200);

        Assert.Equal(
            ["id", "externalId", "title", "tags", "metadata", "userId", "externalUserId", "createdAt", "updatedAt", "feedback"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("new", answer.Text("title"));
        foreach (var member in new[] { "id", "tags", "metadata", "userId", "externalUserId", "createdAt", "feedback" })
            Assert.Equal(before[member].GetRawText(), answer[member].GetRawText());
        Assert.Equal("up", answer["feedback"].GetProperty("rating").GetString());
        Assert.True(string.CompareOrdinal(answer.Text("updatedAt"), before.Text("updatedAt")) > 0, answer.Body);
        Assert.Equal(answer.Body, (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200).Body);

        Assert.Equal("""["c"]""", (await plugin.Patch(path, new { tags = new[] { " c " } })).Is(200)["tags"].GetRawText());
        Assert.Equal("""{"n":1.50}""", (await plugin.Patch(path, """{"metadata":{"n":1.50}}""")).Is(200)["metadata"].GetRawText());
        Assert.Equal("""new c {"n":1.50} v-1""", await Row(chat));
        Assert.Equal("""old a,b {"page":1,"deep":{"x":1}} v-1""", await Row(other));
    }

    [Fact]
    public async Task Empty_clears_and_null_leaves_as_it_is()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var path = $"{acme.ApiPath}/chats/{await acme.Chat(Whole)}";

        var same = (await plugin.Patch(path, """{"title":null,"tags":null,"metadata":null}""")).Is(200);
        Assert.Equal(("old", 2), (same.Text("title"), same["tags"].GetArrayLength()));
        var cleared = (await plugin.Patch(path, """{"title":"","tags":[],"metadata":{}}""")).Is(200);

        Assert.Equal("null [] {}", $"{cleared["title"].GetRawText()} {cleared["tags"].GetRawText()} {cleared["metadata"].GetRawText()}");
        Assert.Equal("v-1", cleared.Text("externalUserId"));
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from chats where org_id = @Id and title is null and tags = '{}' and metadata::text = '{}' and "
                    + "external_user_id = 'v-1'",
                new { acme.Id }));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"title":null}""")]
    [InlineData("""{"title":"old"}""")]
    [InlineData("""{"tags":["a","b"],"metadata":{"page":1,"deep":{"x":1}}}""")]
    public async Task A_change_without_effect_keeps_the_time_of_the_last_change(string body)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(Whole);
        var before = (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200).Body;
        app.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(before, (await (await acme.Plugin()).Patch($"{acme.ApiPath}/chats/{chat}", body)).Is(200).Body);
        (await (await acme.Plugin()).Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up" })).Is(200);
        await acme.Say(chat, "hello");

        Assert.Equal(
            1,
            await app.Value<long>("select count(*) from chats where org_id = @Id and updated_at = created_at", new { acme.Id }));
    }

    [Theory]
    [InlineData("""{"tags":["b","a"]}""")]
    [InlineData("""{"tags":[]}""")]
    [InlineData("""{"title":""}""")]
    [InlineData("""{"metadata":{"page":2}}""")]
    public async Task A_change_moves_the_time_of_the_last_change(string body)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(Whole);
        app.Clock.Advance(TimeSpan.FromSeconds(1));

        (await (await acme.Plugin()).Patch($"{acme.ApiPath}/chats/{chat}", body)).Is(200);

        Assert.Equal(
            1,
            await app.Value<long>("select count(*) from chats where org_id = @Id and updated_at > created_at", new { acme.Id }));
    }

    [Theory]
    [InlineData("a\"b\\c{,}\u0001\u200f e\u0301 \ud83d\ude00 =SUM(A1) '; drop table chats; --")]
    [InlineData(" \u2028\ufeff ")]
    public async Task Every_text_is_returned_unchanged(string text)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        var answer = (
            await (await acme.Plugin()).Patch(
                $"{acme.ApiPath}/chats/{chat}",
                new
                {
                    title = text,
                    tags = new[] { $"t{text}t" },
                    metadata = new Dictionary<string, string> { [text] = text },
                })
        ).Is(200);

        foreach (var seen in new[] { answer, (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200) })
        {
            Assert.Equal(text, seen.Text("title"));
            Assert.Equal($"t{text}t", seen["tags"][0].GetString());
            Assert.Equal(text, seen["metadata"].GetProperty(text).GetString());
        }
    }

    [Fact]
    public async Task Values_beyond_the_limits_are_refused_and_change_nothing()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat(Whole);
        var path = $"{acme.ApiPath}/chats/{chat}";

        (await plugin.Patch(path, new { title = string.Concat(Enumerable.Repeat("😀", 201)), tags = new[] { "c" } })).IsInvalid("title");
        (await plugin.Patch(path, new { title = "new", tags = new[] { "a", " a " } })).IsInvalid("tags");
        (await plugin.Patch(path, """{"title":"new","tags":[null]}""")).IsInvalid("tags");
        (await plugin.Patch(path, new { tags = Enumerable.Range(0, 21).Select(i => $"{i}") })).IsInvalid("tags");
        (await plugin.Patch(path, """{"title":"new","metadata":{"n":1e999}}""")).IsInvalid("metadata");
        (await plugin.Patch(path, """{"title":"new","metadata":{"a":1,"a":2}}""")).IsInvalid("metadata");
        (await plugin.Patch(path, """{"title":"a\u0000b"}""")).Is(400);
        (await plugin.Patch(path, """{"title":"new","externalUserId":"v-2"}""")).Is(400);
        (await plugin.Patch(path, """{"title":"new","title":"newer"}""")).Is(400);
        (await plugin.Patch(path, """{"title":1}""")).IsInvalid("title");
        (await plugin.Send(HttpMethod.Patch, path)).Is(415);
        (
            await plugin.Send(
                HttpMethod.Patch,
                path,
                Caller.Json("{}"u8.ToArray()),
                request => request.Content!.Headers.ContentEncoding.Add("gzip"))
        ).Is(415);

        Assert.Equal("""old a,b {"page":1,"deep":{"x":1}} v-1""", await Row(chat));
        (await plugin.Patch(path, new { title = string.Concat(Enumerable.Repeat("😀", 200)) })).Is(200);
    }

    [Fact]
    public async Task A_chat_of_another_organization_a_deleted_one_and_one_that_never_was_are_the_same()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();
        var (deleted, theirs) = (await acme.Chat(Whole), await globex.Chat(Whole));
        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        var answers = new List<string>();
        foreach (var id in new[] { deleted, theirs, $"{Guid.CreateVersion7()}", "x", theirs.ToUpperInvariant() })
            answers.Add((await plugin.Patch($"{acme.ApiPath}/chats/{id}", new { title = "new" })).IsProblem(404, "not-found").Comparable);
        (await plugin.Patch($"{globex.ApiPath}/chats/{theirs}", new { title = "new" })).IsProblem(404, "not-found");

        Assert.Single(answers.Distinct());
        Assert.Equal("""old a,b {"page":1,"deep":{"x":1}} v-1""", await Row(theirs));
        Assert.Equal("""old a,b {"page":1,"deep":{"x":1}} v-1""", await Row(deleted));
    }

    [Fact]
    public async Task A_chat_that_is_deleted_while_the_change_waits_stays_as_it_was()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(Whole);
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await new NpgsqlCommand(
            $"update chats set deleted_at = now() where org_id = '{acme.Id}'",
            elsewhere,
            transaction
        ).ExecuteNonQueryAsync();

        var change = (await acme.Plugin()).Patch($"{acme.ApiPath}/chats/{chat}", new { title = "new" });
        await app.Blocked();
        await transaction.CommitAsync();

        (await change).IsProblem(404, "not-found");
        Assert.StartsWith("old ", await Row(chat), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_messages_and_feedback_of_a_chat_on_two_instances_do_not_lose_each_other()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(Whole);
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(async () =>
        {
            var plugin = (i % 2 == 0 ? app : other).Stranger.WithKey(key);
            var path = $"{acme.ApiPath}/chats/{chat}";
            return (i % 4) switch
            {
                0 => (await plugin.Patch(path, new { title = $"title {i}" })).Is(200),
                1 => (await plugin.Patch(path, new { tags = new[] { $"tag {i}" } })).Is(200),
                2 => (await plugin.Post($"{path}/messages", new { role = "user", content = $"{i}" })).Is(201),
                _ => (await plugin.Send(HttpMethod.Put, $"{path}/feedback", new { rating = "up", comment = $"{i}" })).Is(200),
            };
        })));
        await other.Stop();

        Assert.Equal(60, answers.Length);
        Assert.Equal(15, await acme.Count("messages"));
        Assert.Equal(1, await acme.Count("feedback"));
        // A change of the title keeps the tags, and a change of the tags keeps the title.
        Assert.Matches("^title \\d+ tag \\d+ ", await Row(chat));
    }

    private Task<string?> Row(string chat) =>
        app.Value<string>(
            "select concat_ws(' ', title, array_to_string(tags, ','), metadata::text, external_user_id) from chats where id = @Chat::uuid",
            new { Chat = chat });
}
