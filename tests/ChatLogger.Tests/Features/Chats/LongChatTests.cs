using System.Globalization;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>What a page costs does not depend on the length of the chats in it.</summary>
public class LongChatTests(IdleApp app) : IClassFixture<IdleApp>
{
    private const int Messages = 5_000;

    [Fact]
    public async Task A_page_of_chats_reads_no_more_of_a_long_chat_than_what_is_not_counted_yet()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await app.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select @Id, @Chat::uuid, gen_random_uuid(), 'user', 'Message ' || n, now()
            from generate_series(1, @Messages) n
            """,
            new { acme.Id, Chat = chat, Messages });
        await app.Execute("vacuum analyze messages");
        // The planner reads a table that is small, as this one, from its beginning to its end.
        await app.Execute("do $$ begin execute format('alter database %I set enable_seqscan = off', current_database()); end $$");
        await app.FoldAll(acme);
        for (var n = 0; n < 3; n++)
            await acme.Say(chat, string.Create(CultureInfo.InvariantCulture, $"Not counted {n}"));
        var viewer = (await acme.Member("viewer")).Caller;
        await viewer.Get("/orgs/me/chats");

        var before = await app.RowsRead("messages");
        var page = (await viewer.Get("/orgs/me/chats")).Is(200);
        var read = await app.RowsRead("messages") - before;

        Assert.Equal(Messages + 3, page["items"][0].GetProperty("messageCount").GetInt32());
        Assert.InRange(read, 3, 100);
    }
}
