using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using ChatLogger.SearchIndex;
using ChatLogger.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>A file that was written before one of its chats was deleted is no longer served.</summary>
public class OutdatedExportTests(ExportsApp app) : IClassFixture<ExportsApp>
{
    [Fact]
    public async Task After_the_deletion_of_a_message_the_files_that_hold_its_chat_are_gone()
    {
        await app.Settle();
        var acme = await app.Org("acme");
        var chat = await Said(acme, "KEPT", "a");
        await Said(acme, "OTHER", "b");
        var message = await acme.Say(chat, "GONE");
        await using var instance = Real();
        var both = await Done(instance, Request(acme, "jsonl"));
        var other = await Done(instance, Request(acme, "jsonl") with { Tags = ["b"] });
        var admin = await acme.Admin();

        (await admin.Delete($"/orgs/me/chats/{chat}/messages/{message}")).Is(204);

        (await admin.Get(At(both))).IsProblem(410, "export-outdated");
        (await admin.Get(At(other))).Is(200);
    }

    [Theory]
    [InlineData("jsonl")]
    [InlineData("csv")]
    [InlineData("openai-jsonl")]
    public async Task After_a_deletion_the_files_that_hold_the_chat_are_gone_and_no_others(string format)
    {
        await app.Settle();
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var (kept, gone) = (await Said(acme, "KEPT", "a"), await Said(acme, "GONE", "b"));
        var id = Guid.Parse(gone);
        await globex.InsertMessage(await globex.InsertChat("THEIRS", id: id), "THEIRS", "assistant");
        var admin = await acme.Admin();
        await using var instance = Real();
        var both = await Done(instance, Request(acme, format));
        var onlyKept = await Done(instance, Request(acme, format) with { Tags = ["a"] });
        var theirs = await Done(instance, Request(globex, format));
        Assert.Contains("GONE", (await admin.Get(At(both))).Is(200).Body, StringComparison.Ordinal);

        (await admin.Delete($"/orgs/me/chats/{gone}")).Is(204);

        // At once, while the chat waits for its removal; and for good afterwards.
        (await admin.Get(At(both))).IsProblem(410, "export-outdated");
        (await admin.Send(HttpMethod.Head, At(both))).Is(410);
        await Purge();
        Assert.Equal(0, await app.Value<long>("select count(*) from chats where id = @id and org_id = @Id", new { id, acme.Id }));
        (await admin.Get(At(both))).IsProblem(410, "export-outdated");
        await instance.Sweep.Run(CancellationToken.None);
        (await admin.Get(At(both))).IsProblem(410, "export-outdated");
        Assert.Equal("expired", await app.State(both));
        Assert.Equal(0, await app.ChunksOf(both.Id));
        Assert.Equal(0, await app.Value<long>("select count(*) from export_chats where export_id = @Id", new { both.Id }));

        Assert.Contains("KEPT", (await admin.Get(At(onlyKept))).Is(200).Body, StringComparison.Ordinal);
        Assert.Contains("THEIRS", (await (await globex.Admin()).Get(At(theirs))).Is(200).Body, StringComparison.Ordinal);
        Assert.NotNull(kept);
    }

    [Fact]
    public async Task A_chat_that_is_removed_while_the_file_is_written_outdates_it_and_another_does_not()
    {
        await app.Settle();
        var (acme, other) = (await app.Org("acme"), await app.Org("acme"));
        foreach (var org in new[] { acme, other })
        {
            var (_, gone) = (await Said(org, "KEPT", "a"), await Said(org, "GONE", "b"));
            // The fake is in the middle of its file: its snapshot has the chat, of which it has said so, or it does not.
            var lease = await Begun(org);
            var recorder = app.Services.GetRequiredService<ExportMembership>().Record(lease);
            recorder.Add(org == acme ? Guid.Parse(gone) : Guid.CreateVersion7());
            (await (await org.Admin()).Delete($"/orgs/me/chats/{gone}")).Is(204);
            await Purge();
            Assert.Equal(
                0,
                await app.Value<long>("select count(*) from chats where org_id = @Id and deleted_at is not null", new { org.Id }));

            await recorder.Store(all: true, CancellationToken.None);
            Assert.True(await Leases().Complete(lease, 1, 0, 1, new byte[32], CancellationToken.None));

            Assert.Equal(org == acme, await app.Value<bool>("select outdated from exports where id = @ExportId", new { lease.ExportId }));
        }
    }

    [Fact]
    public async Task Of_a_thousand_chats_each_one_is_found()
    {
        await app.Settle();
        var acme = await app.Org("acme");
        await app.Execute(
            """
            insert into chats (org_id, id, title, tags, metadata, created_at, updated_at)
            select @Id, gen_random_uuid(), 'n' || n, '{}', '{}', now(), now()
            from generate_series(1, 1100) n
            """,
            new { acme.Id });
        await using var instance = Real();
        var export = await Done(instance, Request(acme, "jsonl"));
        Assert.Equal(3, await app.Value<long>("select count(*) from export_chats where export_id = @Id", new { export.Id }));
        Assert.Equal(
            1100,
            await app.Value<long>("select sum(cardinality(chat_ids)) from export_chats where export_id = @Id", new { export.Id }));

        foreach (var offset in new[] { 0, 511, 512, 1099 })
        {
            var chat = await app.Value<Guid>(
                "select id from chats where org_id = @Id order by created_at, id offset @offset limit 1",
                new { acme.Id, offset });
            await app.Execute("update chats set deleted_at = now() where org_id = @Id and id = @chat", new { acme.Id, chat });
            Assert.True((await instance.Queue.Stored(acme.Id, export.Id, CancellationToken.None))!.IsOutdated);
            await app.Execute("update chats set deleted_at = null where org_id = @Id and id = @chat", new { acme.Id, chat });
            Assert.False((await instance.Queue.Stored(acme.Id, export.Id, CancellationToken.None))!.IsOutdated);
        }
    }

    [Fact]
    public async Task Membership_recorded_under_a_lost_lease_is_ignored()
    {
        await app.Settle();
        var acme = await app.Org("acme");
        var gone = Guid.Parse(await Said(acme, "GONE", "b"));
        var lost = await Begun(acme);
        var recorder = app.Services.GetRequiredService<ExportMembership>().Record(lost);
        recorder.Add(gone);
        await recorder.Store(all: true, CancellationToken.None);
        await app.LoseLease(lost.ExportId);
        var next = (await Leases().Claim(CancellationToken.None))!;
        recorder.Add(gone);
        await Assert.ThrowsAsync<LeaseLost>(() => recorder.Store(all: true, CancellationToken.None).AsTask());
        Assert.True(await Leases().Complete(next, 1, 0, 1, new byte[32], CancellationToken.None));

        await app.Execute("update chats set deleted_at = now() where org_id = @Id", new { acme.Id });

        await using var instance = app.Instance();
        Assert.False((await instance.Queue.Stored(acme.Id, next.ExportId, CancellationToken.None))!.IsOutdated);
    }

    private static string At(Export export) => $"/exports/orgs/me/{export.Id}";

    private static ExportRequest Request(Org org, string format) => new(org.Id, format, null, null, null, [], null, null);

    private static async Task<string> Said(Org org, string text, string tag)
    {
        var chat = await org.Chat(new { title = text, tags = new[] { tag } });
        await org.Say(chat, text, "assistant");
        return chat;
    }

    private Instance Real() =>
        app.Instance(
            settings: Instance.Settings with
            {
                Sweep = TimeSpan.FromHours(1),
            },
            writer: app.Services.GetRequiredService<IExportWriter>());

    private ExportLeases Leases() => new(app.Pool, Instance.Settings);

    private async Task<ExportLease> Begun(Org org)
    {
        await using var instance = app.Instance();
        await instance.Ask(org);
        return (await Leases().Claim(CancellationToken.None))!;
    }

    private async Task<Export> Done(Instance instance, ExportRequest request)
    {
        var export = (
            await instance.Queue.Enqueue(request, Guid.CreateVersion7(), "UTC", Persona.Operator, null, CancellationToken.None)
        ).Export;
        await instance.Start();
        await app.Reaches(export, "done");
        await instance.Stop();
        return export;
    }

    private async Task Purge()
    {
        var purge = new PurgeChats(
            app.Pool,
            new SearchPurger(app.Pool),
            new WebhookPurger(app.Pool),
            app.Services.GetRequiredService<KeyPurger>(),
            app.Services.GetRequiredService<GonePieces>(),
            new PurgeSettings(),
            app.Services.GetRequiredService<Engine>(),
            NullLogger<PurgeChats>.Instance);
        await purge.Run(CancellationToken.None);
    }
}
