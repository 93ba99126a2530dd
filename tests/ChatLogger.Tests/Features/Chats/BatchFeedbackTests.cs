using System.Text.Json;
using ChatLogger.Auth;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Feedback as an item of a batch.</summary>
public class BatchFeedbackTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_conversation_and_its_ratings_are_brought_in_at_once()
    {
        var acme = await app.Org("acme");
        var plugin = app.Stranger.WithKey(await acme.Key(KeyScope.Ingest, KeyScope.Import));
        var results = await Send(plugin, acme, """
            {"items":[{"comment":"late","rating":"down","chatRef":"c","messageRef":"m","type":"feedback"}]}
            """);
        Assert.Equal([404], Statuses(results));

        results = await Send(plugin, acme, """
            {"items":[{"type":"chat","ref":"c"},{"type":"message","ref":"m","chatRef":"c","role":"assistant","content":"x"},
            {"type":"feedback","chatRef":"c","messageRef":"m","rating":"down","comment":"late","createdAt":"2020-01-02T03:04:05.678Z"},
            {"type":"feedback","chatRef":"c","rating":"down"},{"type":"feedback","chatRef":"c","rating":"up"}]}
            """);

        Assert.Equal([201, 201, 201, 201, 201], Statuses(results));
        var (chat, message) = (results[0].GetProperty("id").GetString(), results[1].GetProperty("id").GetString());
        Assert.Equal([message, chat, chat], results.EnumerateArray().Skip(2).Select(result => result.GetProperty("id").GetString()));
        var admin = await acme.Admin();
        var on = (await admin.Get($"/orgs/me/chats/{chat}/messages")).Is(200)["items"][0].GetProperty("feedback").GetRawText();
        Assert.Equal("""{"rating":"down","comment":"late","at":"2020-01-02T03:04:05.678Z"}""", on);
        // The last one wins, and the one before it leaves no trace.
        Assert.Equal("up", (await admin.Get($"/orgs/me/chats/{chat}")).Is(200)["feedback"].GetProperty("rating").GetString());
        var totals = (await admin.Get("/analytics/orgs/me/summary")).Is(200)["totals"];
        Assert.Equal((1, 0), (totals.GetProperty("feedbackUp").GetInt32(), totals.GetProperty("feedbackDown").GetInt32()));
    }

    [Fact]
    public async Task It_replaces_what_was_there_and_is_counted_once()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "down" })).Is(200);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Send(
            plugin, acme, $$"""{"items":[{"type":"feedback","chatId":"{{chat}}","rating":"{{(i % 2 == 0 ? "up" : "down")}}"}]}""")));
        await Send(plugin, acme, $$"""{"items":[{"type":"feedback","chatId":"{{chat}}","rating":"up"}]}""");

        var totals = (await (await acme.Admin()).Get("/analytics/orgs/me/summary")).Is(200)["totals"];
        Assert.Equal((1, 0), (totals.GetProperty("feedbackUp").GetInt32(), totals.GetProperty("feedbackDown").GetInt32()));
        Assert.Equal(1, await acme.Count("feedback"));
    }

    [Fact]
    public async Task The_same_item_is_stored_once_and_another_under_its_key_is_refused()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var (chat, other) = (await acme.Chat(), await acme.Chat());
        string Item(string rating, string? on = null) =>
            $$"""{"type":"feedback","chatId":"{{on ?? chat}}","rating":"{{rating}}","idempotencyKey":"k"}""";

        var first = await Send(plugin, acme, $$"""{"items":[{{Item("up")}},{{Item("up")}},{{Item("down")}},{{Item("down", other)}}]}""");
        Assert.Equal([201, 201, 422, 201], Statuses(first));
        Assert.Equal([false, true, false, false], first.EnumerateArray().Select(result => result.GetProperty("replayed").GetBoolean()));
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "down" })).Is(200);
        var again = await Send(plugin, acme, $$"""{"items":[{{Item("up")}}]}""");

        // A replay changes nothing.
        Assert.True(again[0].GetProperty("replayed").GetBoolean());
        Assert.Equal(chat, again[0].GetProperty("id").GetString());
        var admin = await acme.Admin();
        Assert.Equal("down", (await admin.Get($"/orgs/me/chats/{chat}")).Is(200)["feedback"].GetProperty("rating").GetString());
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);
        Assert.Equal([404], Statuses(await Send(plugin, acme, $$"""{"items":[{{Item("up")}}]}""")));
    }

    [Fact]
    public async Task Each_item_is_refused_alone()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();
        var (chat, other) = (await acme.Chat(), await acme.Chat());
        var message = await acme.Say(other, "x");
        var theirs = await globex.Chat();
        var items = new (string Item, int Status)[]
        {
            ($$""" "chatId":"{{chat}}","rating":"up" """, 201),
            ($$""" "chatId":"{{theirs}}","rating":"up" """, 404),
            ($$""" "chatId":"{{chat}}","messageId":"{{message}}","rating":"up" """, 404),
            ($$""" "chatId":"{{chat}}","messageRef":"c","rating":"up" """, 404),
            (""" "chatRef":"m","rating":"up" """, 404),
            (""" "chatRef":"none","rating":"up" """, 404),
            (""" "chatRef":"failed","rating":"up" """, 404),
            (""" "rating":"up" """, 400),
            ($$""" "chatId":"{{chat}}","chatRef":"c","rating":"up" """, 400),
            ($$""" "chatId":"{{chat}}","messageId":"{{message}}","messageRef":"m","rating":"up" """, 400),
            ($$""" "chatId":"{{chat}}","rating":"good" """, 400),
            ($$""" "chatId":"{{chat}}" """, 400),
            ($$""" "chatId":"{{chat}}","rating":"up","ref":"x" """, 400),
            ($$""" "chatId":"{{chat}}","rating":"up","comment":"{{new string('c', 2_001)}}" """, 400),
            ($$""" "chatId":"{{chat}}","rating":"up","idempotencyKey":"é" """, 400),
            ($$""" "chatId":"{{chat}}","rating":"up","createdAt":"2020-01-01T00:00:00Z" """, 403),
            ($$""" "chatId":"{{chat}}","rating":"up","createdAt":"9999-01-01T00:00:00Z" """, 400),
            ($$""" "chatId":"{{other}}","messageId":"{{message}}","rating":"down" """, 201),
        };
        var before = $$"""
            {"type":"chat","ref":"c"},{"type":"message","ref":"m","chatRef":"c","role":"user","content":"x"},
            {"type":"chat","ref":"failed","title":"{{new string('t', 201)}}"},
            {"type":"message","ref":"c","chatRef":"c","role":"user","content":"x"}
            """;

        var results = await Send(plugin, acme, $$"""
            {"items":[{{before}},{{string.Join(',', items.Select(each => $$"""{"type":"feedback",{{each.Item}}}"""))}}]}
            """);

        Assert.Equal([201, 201, 400, 400, .. items.Select(each => each.Status)], Statuses(results));
        Assert.Equal(2, await acme.Count("feedback"));
        Assert.Equal(0, await globex.Count("feedback"));
    }

    private static async Task<JsonElement> Send(Caller plugin, Org org, string body) =>
        (await plugin.Post($"{org.ApiPath}/batch", body)).Is(207)["results"];

    private static IEnumerable<int> Statuses(JsonElement results) =>
        results.EnumerateArray().Select(result => result.GetProperty("status").GetInt32());
}
