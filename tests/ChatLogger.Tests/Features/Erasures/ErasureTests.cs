using ChatLogger.Features;
using ChatLogger.Rollups;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Exports;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>POST /orgs/me/erasures, where nothing is removed but by the tests: what is true at once, and what is meant.</summary>
public class ErasureTests(HaltedErasureApp app) : IClassFixture<HaltedErasureApp>
{
    [Fact]
    public async Task The_chats_are_in_no_read_when_the_answer_comes_and_removed_afterwards()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var admin = await acme.Admin();
        var chats = new List<string>();
        for (var i = 0; i < 5; i++)
            chats.Add(await Chat(acme, "v-17", "the word"));
        var kept = await Chat(acme, "v-18", "the word");
        var elsewhere = await Chat(globex, "v-17", "the word");
        await app.FoldAll(acme);
        var export = (await admin.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202).Text("id");
        await app.Until("select state = 'done' from exports where id = @Id::uuid", new { Id = export });

        var erasure = await admin.Erase("v-17");

        Assert.Equal("running", erasure.Text("state"));
        Assert.Equal($"/orgs/me/erasures/{erasure.Text("id")}", erasure.Header("Location"));
        Assert.Equal([kept], await admin.Listed());
        Assert.Equal([kept], await admin.Listed("?q=word"));
        (await admin.Get($"/orgs/me/chats/{chats[0]}")).IsProblem(404, "not-found");
        (await admin.Get($"/orgs/me/chats/{chats[0]}/messages")).IsProblem(404, "not-found");
        var totals = (await admin.Get("/analytics/orgs/me/summary")).Is(200)["totals"];
        Assert.Equal((1, 1), (totals.GetProperty("chats").GetInt32(), totals.GetProperty("endUsers").GetInt32()));
        (await admin.Get($"{ExportFixture.Path}/{export}")).IsProblem(410, "export-outdated");
        var again = (await admin.Post(ExportFixture.Path, new { format = "jsonl", mode = "sync" })).Is(200).Body;
        Assert.DoesNotContain(chats[4], again, StringComparison.Ordinal);

        // What happens after that is not meant.
        var later = await Chat(acme, "v-17", "again");
        await Finish();

        var done = (await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}")).Is(200);
        Assert.Equal("done", done.Text("state"));
        Assert.Equal([5, 5, 0, 1], done.Counts());
        Assert.Equal([later, kept], await admin.Listed());
        Assert.Single(await (await globex.Admin()).Listed());
        Assert.NotNull(elsewhere);
        Assert.Equal(2, await acme.Count("chats"));
        await app.FoldAll(acme);
        Assert.Equal(0, (await app.Services.GetRequiredService<RollupVerifier>().Run(acme.Id, CancellationToken.None)).Differences);
    }

    [Fact]
    public async Task The_chats_of_a_member_are_erased_and_the_member_stays()
    {
        var acme = await app.Org("acme");
        var (admin, member) = (await acme.Admin(), await acme.Member("user"));
        (await member.Caller.Post("/orgs/me/chats", new { title = "mine" })).Is(201);
        await acme.Chat();

        var erasure = (await admin.Post(ErasureFixture.Path, new { userId = member.Id })).Is(202);
        Assert.Empty(await member.Caller.Listed());
        await Finish();

        var done = (await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}")).Is(200);
        Assert.Equal([1, 0, 0, 0], done.Counts());
        (await member.Caller.Get("/users/me")).Is(200);
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task What_was_deleted_before_and_is_not_removed_yet_is_erased_with_it()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await Chat(acme, "v-17", "x");
        (await admin.Delete($"/orgs/me/chats/{chat}")).Is(204);

        var erasure = await admin.Erase("v-17");
        await Finish();

        var done = (await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}")).Is(200);
        Assert.Equal([1, 1, 0, 0], done.Counts());
        Assert.Contains(
            $"{{\"chat\":\"{chat}\"}}\n",
            (await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}/ids")).Is(200).Body,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_subject_is_named_and_it_must_be_known_where_it_is_a_member()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var admin = await acme.Admin();
        var stranger = (await globex.Member("user")).Id;

        (await admin.Post(ErasureFixture.Path, new { })).IsInvalid("externalUserId");
        (await admin.Post(ErasureFixture.Path, new { externalUserId = "" })).IsInvalid("externalUserId");
        (await admin.Post(ErasureFixture.Path, new { externalUserId = "v-17", userId = stranger })).IsInvalid("externalUserId");
        (await admin.Post(ErasureFixture.Path, new { externalUserId = new string('x', 129) })).IsInvalid("externalUserId");
        (await admin.Post(ErasureFixture.Path, new { userId = stranger })).IsProblem(404, "not-found");
        (await admin.Post(ErasureFixture.Path, new { userId = "x" })).Is(400);

        // Nobody reads from an erasure whom it is of, and the same end user has the same subject.
        var (first, second) = (await admin.Erase("v-17"), await admin.Erase("v-17"));
        Assert.Equal(first.Text("subject"), second.Text("subject"));
        Assert.Matches("^[0-9a-f]{64}$", first.Text("subject"));
        Assert.NotEqual(first.Text("subject"), (await (await globex.Admin()).Erase("v-17")).Text("subject"));
        var list = (await admin.Get(ErasureFixture.Path)).Is(200);
        Assert.Equal(
            [second.Text("id"), first.Text("id")], list["items"].EnumerateArray().Select(each => each.GetProperty("id").GetString()!));
        Assert.DoesNotContain("v-17", list.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("v-17", (await admin.Get("/orgs/me/audit")).Is(200).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ids_can_be_downloaded_when_it_is_done_and_for_thirty_days()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await Chat(acme, "v-17", "x");
        var erasure = await admin.Erase("v-17");
        var path = $"{ErasureFixture.Path}/{erasure.Text("id")}/ids";

        var early = (await admin.Get(path)).Is(202);
        Assert.Equal("5", early.Header("Retry-After"));
        await Finish();

        var file = (await admin.Get(path)).Is(200);
        var lines = file.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("application/jsonl", file.Header("Content-Type"));
        Assert.Equal(4, lines.Length);
        Assert.StartsWith($"{{\"erasure\":\"{erasure.Text("id")}\"", lines[0], StringComparison.Ordinal);
        Assert.Equal($"{{\"chat\":\"{chat}\"}}", lines[1]);
        Assert.Equal(
            $"{{\"receipt\":\"{(await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}")).Text("receipt")}\"}}", lines[3]);

        await app.Execute($"update erasures set {App.Earlier("finished_at", "30 days")} where org_id = @Id", new { acme.Id });
        (await admin.Get(path)).IsProblem(410, "gone");
        await app.Job<ErasureCleanup>().Run(CancellationToken.None);
        Assert.Equal((0, 1), (await acme.Count("erased_ids"), await acme.Count("erasures")));
    }

    private async Task Finish()
    {
        await app.Job<EraseChats>().Run(CancellationToken.None);
        await app.Job<PurgeChats>().Run(CancellationToken.None);
        await Wait.Until(
            async () =>
            {
                await app.Job<EraseChats>().Run(CancellationToken.None);
                return await app.Value<bool>("select count(*) = 0 from erasures where state <> 'done'");
            },
            "the erasures are done");
    }

    private static async Task<string> Chat(Org org, string externalUserId, string text)
    {
        var chat = (await (await org.Plugin()).Post($"{org.ApiPath}/chats", new { externalUserId })).Is(201).Text("id");
        await org.Say(chat, text);
        return chat;
    }
}
