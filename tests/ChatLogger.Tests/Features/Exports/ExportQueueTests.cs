using ChatLogger.ExportJobs;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportQueueTests(ExportsApp app) : IClassFixture<ExportsApp>, IAsyncLifetime
{
    private static readonly CancellationToken Always = CancellationToken.None;

    [Fact]
    public async Task A_requested_export_is_queued_with_all_its_parameters()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        var (member, user, from) = (Guid.CreateVersion7(), Guid.CreateVersion7(), DateTimeOffset.UnixEpoch);
        var request = new ExportRequest(acme.Id, "csv", "chats", from, from.AddDays(1), ["billing", "Übergröße"], user, "v-17")
        {
            Model = "m-1",
            Rating = "none",
        };

        var (export, _) = await instance.Queue.Enqueue(request, member, "Europe/Berlin", Persona.Operator, null, Always);

        Assert.Equal(
            new Export(export.Id, "queued", "csv", "chats", 0, null, null, null, 0, null, member, export.CreatedAt, null, null), export);
        Assert.Equal(export, await instance.See(acme, export));
        Assert.Null(await instance.Queue.Get(globex.Id, export.Id, Always));
        var lease = await instance.Leases.Claim(Always);
        Assert.Equal(request with { Tags = [] }, lease!.Request with { Tags = [] });
        Assert.Equal(request.Tags, lease.Request.Tags);
    }

    [Fact]
    public async Task A_list_is_newest_first_page_by_page_and_only_ones_own()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        await instance.Ask(globex);
        var asked = new[] { await instance.Ask(acme), await instance.Ask(acme), await instance.Ask(acme) };

        var first = await instance.Queue.List(acme.Id, null, 2, Always);
        var second = await instance.Queue.List(acme.Id, (first[1].CreatedAt, first[1].Id), 2, Always);

        Assert.Equal(asked.OrderByDescending(export => (export.CreatedAt, export.Id)), first.Concat(second));
    }

    [Fact]
    public async Task A_cancelled_export_is_cancelled_at_once_and_for_good()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        var running = await instance.Ask(acme);
        var lease = (await instance.Leases.Claim(Always))!;
        var waiting = await instance.Ask(acme);

        Assert.False(await instance.Queue.Cancel(globex.Id, running.Id, Persona.Operator, Always));
        Assert.False(await instance.Queue.Cancel(acme.Id, Guid.CreateVersion7(), Persona.Operator, Always));
        Assert.True(await instance.Queue.Cancel(acme.Id, running.Id, Persona.Operator, Always));
        Assert.True(await instance.Queue.Cancel(acme.Id, waiting.Id, Persona.Operator, Always));
        Assert.True(await instance.Queue.Cancel(acme.Id, waiting.Id, Persona.Operator, Always));

        Assert.Equal("cancelled", (await instance.See(acme, running)).State);
        Assert.NotNull((await instance.See(acme, waiting)).FinishedAt);
        Assert.Equal(LeaseState.Cancelled, await instance.Leases.Renew(lease, 1, 2, Always));
        Assert.False(await instance.Leases.Complete(lease, 1, 0, 1, new byte[32], Always));
        Assert.Null(await instance.Leases.Claim(Always));
    }

    [Fact]
    public async Task A_finished_file_that_is_deleted_has_expired()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        var export = await Finished(instance, acme);

        Assert.True(await instance.Queue.Cancel(acme.Id, export.Id, Persona.Operator, Always));

        Assert.Equal("expired", (await instance.See(acme, export)).State);
        Assert.Null(await instance.Queue.Stored(acme.Id, export.Id, Always));
        await instance.Sweep.Run(Always);
        Assert.Equal(0, await app.ChunksOf(export.Id));
    }

    [Fact]
    public async Task A_file_whose_time_is_over_expires_and_its_chunks_go()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        var export = await Finished(instance, acme);
        var kept = await Finished(instance, acme);
        Assert.Equal(TimeSpan.FromHours(24), (await instance.See(acme, export)).ExpiresAt - (await instance.See(acme, export)).FinishedAt);
        await app.Execute("update exports set expires_at = now() where id = @Id", new { export.Id });
        Assert.Null(await instance.Queue.Stored(acme.Id, export.Id, Always));

        await Task.WhenAll(instance.Sweep.Run(Always), app.Instance().Sweep.Run(Always));

        Assert.Equal("expired", (await instance.See(acme, export)).State);
        Assert.Equal(0, await app.ChunksOf(export.Id));
        Assert.Equal("done", (await instance.See(acme, kept)).State);
        Assert.Equal(1, await app.ChunksOf(kept.Id));
        Assert.False(await app.Value<bool>("select leftovers from exports where id = @Id", new { export.Id }));
    }

    [Fact]
    public async Task Only_chunks_of_lost_leases_and_failed_exports_are_deleted()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        var export = await instance.Ask(acme);
        for (var count = 0; count < 3; count++)
        {
            await Write(instance, (await instance.Leases.Claim(Always))!);
            await app.LoseLease(export.Id);
        }
        var last = (await instance.Leases.Claim(Always))!;
        await Write(instance, last);
        Assert.Equal(4, await app.ChunksOf(export.Id));

        await instance.Sweep.Run(Always);
        Assert.Equal(last.Fence, await app.Value<long>("select fence from export_chunks where export_id = @Id", new { export.Id }));

        await instance.Leases.Fail(last, "It was not to be.", Always);
        await instance.Sweep.Run(Always);
        Assert.Equal(0, await app.ChunksOf(export.Id));
    }

    public Task InitializeAsync() => app.Settle();

    public Task DisposeAsync() => Task.CompletedTask;
}
