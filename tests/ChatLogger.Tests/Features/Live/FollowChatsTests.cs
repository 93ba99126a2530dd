using ChatLogger.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Live;

/// <summary>What a follower is told: each event once, in order, and only what they may see.</summary>
public sealed class FollowChatsTests(LiveApp app) : IClassFixture<LiveApp>
{
    [Fact]
    public async Task Each_kind_of_event_is_told_once_in_order()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        using var follower = await LiveReader.Open(app.Address, admin);
        Assert.Equal(200, (int)follower.Response.StatusCode);
        Assert.Equal("text/event-stream", follower.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal("no-store", follower.Response.Headers.CacheControl?.ToString());
        Assert.Equal("no", Assert.Single(follower.Response.Headers.GetValues("X-Accel-Buffering")));

        // What is deleted before it is told is not told, so each is awaited.
        var chat = await acme.Chat(new { title = "a" });
        Assert.Equal(("chat.created", chat, null), (await follower.Next()).What);
        var message = await acme.Say(chat, "hello");
        Assert.Equal(("message.created", chat, message), (await follower.Next()).What);
        var plugin = await acme.Plugin();
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up" })).Is(200);
        Assert.Equal(("feedback.given", chat, null), (await follower.Next()).What);
        (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/messages/{message}/feedback", new { rating = "down" })).Is(200);
        Assert.Equal(("feedback.given", chat, message), (await follower.Next()).What);
        (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "b", tags = new[] { "t" } })).Is(200);
        // Nothing is another than before.
        (await admin.Patch($"/orgs/me/chats/{chat}", new { title = "b" })).Is(200);
        (await admin.Patch($"/orgs/me/chats/{chat}", new { metadata = new { a = 1 } })).Is(200);
        (await admin.Delete($"/orgs/me/chats/{chat}/messages/{message}")).Is(204);
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);

        Assert.Equal(
            [
                ("chat.changed", chat, null),
                ("chat.changed", chat, null),
                ("chat.changed", chat, null),
                ("chat.deleted", chat, null),
            ],
            await follower.Next(4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_cut_it_goes_on_without_loss_and_without_repetition(bool byHeader)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();
        var follower = await LiveReader.Open(app.Address, admin);
        var first = await acme.Say(chat, "1");
        var told = await follower.Next();
        Assert.Equal(("message.created", chat, first), told.What);
        follower.Dispose();
        var second = await acme.Say(chat, "2");
        var third = await acme.Say(chat, "3");

        using var again = byHeader
            ? await LiveReader.Open(app.Address, admin, lastEventId: told.Id)
            : await LiveReader.Open(app.Address, admin, $"/orgs/me/live?after={told.Id}");
        var fourth = await acme.Say(chat, "4");

        Assert.Equal(
            [("message.created", chat, second), ("message.created", chat, third), ("message.created", chat, fourth)],
            await again.Next(3));
    }

    [Fact]
    public async Task The_id_that_comes_first_resumes_too_and_a_deleted_chat_is_told_though_it_is_purged()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();
        string? line;
        using (var follower = await LiveReader.Open(app.Address, admin))
        {
            do
                line = await follower.Line();
            while (line?.StartsWith("id: ", StringComparison.Ordinal) == false);
        }
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);
        await app.Services.GetRequiredService<PurgeChats>().Run(CancellationToken.None);
        await app.Until("select not exists (select from chats where org_id = @Id and id = @Chat::uuid)", new { acme.Id, Chat = chat });
        var last = await acme.Chat();

        using var again = await LiveReader.Open(app.Address, admin, lastEventId: line![4..]);
        Assert.Equal([("chat.deleted", chat, null), ("chat.created", last, null)], await again.Next(2));
    }

    [Fact]
    public async Task An_unknown_id_answers_reset_and_goes_on_from_now()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (admin, theirs) = (await acme.Admin(), await globex.Admin());
        using var elsewhere = await LiveReader.Open(app.Address, theirs);
        await globex.Chat();
        var foreign = (await elsewhere.Next()).Id;
        var old = ChatLogger.LiveEvents.LiveEventId.Write(acme.Id, 1, app.Clock.GetUtcNow() - TimeSpan.FromMinutes(61));
        var future = ChatLogger.LiveEvents.LiveEventId.Write(acme.Id, long.MaxValue, app.Clock.GetUtcNow());

        foreach (var id in new[] { "x", foreign, old, future, new string('a', 500) })
        {
            using var follower = await LiveReader.Open(app.Address, admin, lastEventId: id);
            var reset = await follower.Next();
            Assert.Equal("reset", reset.Event);
            var chat = await acme.Chat();
            Assert.Equal(("chat.created", chat, null), (await follower.Next()).What);

            // The id of the reset is one to resume from.
            using var again = await LiveReader.Open(app.Address, admin, lastEventId: reset.Id);
            Assert.Equal(("chat.created", chat, null), (await again.Next()).What);
        }
    }

    [Theory]
    [InlineData(1_000, "message.created")]
    [InlineData(1_001, "reset")]
    public async Task Who_missed_more_than_a_thousand_events_reads_everything_anew(int missed, string expected)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();
        var follower = await LiveReader.Open(app.Address, admin);
        await acme.Say(chat, "1");
        var id = (await follower.Next()).Id;
        follower.Dispose();
        await app.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select @Org, @Chat::uuid, gen_random_uuid(), 'user', 'a', now()
            from generate_series(1, @missed)
            """,
            new { Org = acme.Id, Chat = chat, missed });

        using var again = await LiveReader.Open(app.Address, admin, lastEventId: id);

        Assert.Equal(expected, (await again.Next()).Event);
    }

    [Fact]
    public async Task Another_organizations_events_are_never_told_and_a_user_is_told_of_their_own_chats()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var root = await app.Superadmin();
        using var anns = await LiveReader.Open(app.Address, ann.Caller);
        using var viewers = await LiveReader.Open(app.Address, (await acme.Member("viewer")).Caller);
        using var roots = await LiveReader.Open(app.Address, root, $"/orgs/{acme.Slug}/live");

        await globex.Chat();
        var bobs = await acme.Chat(new { userId = bob.Id });
        (await (await acme.Admin()).Delete($"/orgs/me/chats/{bobs}")).Is(204);
        var nobodys = await acme.Chat();
        var chat = await acme.Chat(new { userId = ann.Id });
        var message = await acme.Say(chat, "hello");
        (await ann.Caller.Patch($"/orgs/me/chats/{chat}", new { title = "mine" })).Is(200);

        Assert.Equal(
            [("chat.created", chat, null), ("message.created", chat, message), ("chat.changed", chat, null)], await anns.Next(3));
        (string, string?, string?)[] all =
        [
            ("chat.created", bobs, null), ("chat.deleted", bobs, null), ("chat.created", nobodys, null), ("chat.created", chat, null),
            ("message.created", chat, message), ("chat.changed", chat, null),
        ];
        Assert.Equal(all, await viewers.Next(6));
        Assert.Equal(all, await roots.Next(6));
    }

    [Fact]
    public async Task Events_of_another_instance_arrive()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var other = await app.AnotherInstance();
        try
        {
            using var here = await LiveReader.Open(app.Address, admin);
            using var there = await LiveReader.Open(other.Address, admin);
            var first = await acme.Chat();
            var second = (await other.Stranger.WithKey(await acme.Key()).Post($"{acme.ApiPath}/chats", new { })).Is(201).Text("id");

            Assert.Equal([("chat.created", first, null), ("chat.created", second, null)], await here.Next(2));
            Assert.Equal([("chat.created", first, null), ("chat.created", second, null)], await there.Next(2));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_follower_who_is_told_nothing_gets_a_comment_and_HEAD_only_the_headers()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        using var follower = await LiveReader.Open(app.Address, admin);

        Assert.Equal(":", await follower.Line());
        Assert.StartsWith("id: ", await follower.Line(), StringComparison.Ordinal);
        Assert.Equal("", await follower.Line());
        Assert.Equal(":", await follower.Line());

        var head = (await admin.Send(HttpMethod.Head, "/orgs/me/live")).Is(200);
        Assert.Equal("text/event-stream", head.Header("Content-Type"));
        (await admin.Get("/orgs/me/live?before=x")).IsInvalid("query");
    }
}
