using ChatLogger.ExportJobs;
using Dapper;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportQueueTests
{
    [Fact]
    public async Task An_expired_lease_is_taken_over_and_its_holder_can_change_nothing()
    {
        var acme = await app.Org("acme");
        var (frozen, other) = (app.Instance(), app.Instance());
        var export = await frozen.Ask(acme);
        var old = (await frozen.Leases.Claim(Always))!;
        await using var file = frozen.Store.Create(old);
        await file.Append(Blocks.Sample(DatabaseExportStore.ChunkBytes), Always);
        Assert.Equal(LeaseState.Held, await frozen.Leases.Renew(old, 1, 2, Always));
        Assert.Null(await other.Leases.Claim(Always));

        await app.LoseLease(export.Id);
        var taken = (await other.Leases.Claim(Always))!;

        Assert.Equal((export.Id, old.Fence + 1, 2), (taken.ExportId, taken.Fence, taken.Attempt));
        await Assert.ThrowsAsync<LeaseLost>(() => file.Append(Blocks.Sample(DatabaseExportStore.ChunkBytes), Always).AsTask());
        Assert.Equal(LeaseState.Lost, await frozen.Leases.Renew(old, 2, 2, Always));
        Assert.False(await frozen.Leases.Complete(old, 1, 0, 1, new byte[32], Always));
        Assert.False(await frozen.Leases.Retry(old, Always));
        Assert.False(await frozen.Leases.Fail(old, "No.", Always));
        Assert.False(await frozen.Leases.Release(old, Always));
        Assert.Equal(1, await app.ChunksOf(export.Id));
        Assert.Equal(LeaseState.Held, await other.Leases.Renew(taken, 0, null, Always));
    }

    [Fact]
    public async Task A_chunk_that_meets_a_take_over_waits_for_it_and_is_not_stored()
    {
        var instance = app.Instance();
        var export = await instance.Ask(await app.Org("acme"));
        await using var file = instance.Store.Create((await instance.Leases.Claim(Always))!);
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using var takeOver = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("update exports set fence = fence + 1 where id = @Id", new { export.Id }, takeOver);

        var writing = file.Append(Blocks.Sample(DatabaseExportStore.ChunkBytes), Always).AsTask();
        await app.Blocked();
        Assert.False(writing.IsCompleted);
        await takeOver.CommitAsync();

        await Assert.ThrowsAsync<LeaseLost>(() => writing);
        Assert.Equal(0, await app.ChunksOf(export.Id));
    }

    [Fact]
    public async Task A_worker_with_an_expired_lease_keeps_it_when_no_other_claimed_it()
    {
        var instance = app.Instance();
        var export = await instance.Ask(await app.Org("acme"));
        var lease = (await instance.Leases.Claim(Always))!;
        await app.LoseLease(export.Id);

        Assert.Equal(LeaseState.Held, await instance.Leases.Renew(lease, 3, 9, Always));
        Assert.Null(await instance.Leases.Claim(Always));
        Assert.Equal(
            "3 of 9",
            await app.Value<string>("select rows || ' of ' || total_rows from exports where id = @Id", new { export.Id }));
    }

    [Fact]
    public async Task An_export_lost_at_its_last_attempt_or_past_the_hard_limit_has_failed()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        var (often, slow) = (await instance.Ask(acme), await instance.Ask(acme));
        await instance.Leases.Claim(Always);
        await instance.Leases.Claim(Always);
        await app.Execute("update exports set attempts = 5 where id = @Id", new { often.Id });
        await app.Execute("update exports set started_at = now() - interval '16 minutes' where id = @Id", new { slow.Id });
        await app.LoseLease(often.Id);
        await app.LoseLease(slow.Id);

        Assert.Null(await instance.Leases.Claim(Always));
        await instance.Sweep.Run(Always);

        Assert.Equal(
            ("failed", "It could not be written in 5 attempts."),
            ((await instance.See(acme, often)).State, (await instance.See(acme, often)).Reason));
        Assert.Equal(
            ("failed", "It took longer than 15 minutes."),
            ((await instance.See(acme, slow)).State, (await instance.See(acme, slow)).Reason));
    }

    [Fact]
    public async Task Time_without_a_worker_does_not_count_towards_the_hard_limit()
    {
        var instance = app.Instance();
        var export = await instance.Ask(await app.Org("acme"));
        await instance.Leases.Claim(Always);
        // All instances were down for a day, five minutes after the export had started.
        await app.Execute(
            "update exports set started_at = now() - interval '1 day 5 minutes', lease_until = now() - interval '1 day' where id = @Id",
            new { export.Id });

        var lease = await instance.Leases.Claim(Always);

        Assert.InRange(lease!.TimeLeft, TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10));
    }

    private static async Task<(long Bytes, byte[] Sha256)> Write(Instance instance, ExportLease lease)
    {
        await using var file = instance.Store.Create(lease);
        await file.Append(Blocks.Sample(1_000), Always);
        return await file.Finish(Always);
    }

    private static async Task<Export> Finished(Instance instance, Org org)
    {
        var export = await instance.Ask(org);
        var lease = (await instance.Leases.Claim(Always))!;
        var (bytes, sha256) = await Write(instance, lease);
        Assert.True(await instance.Leases.Complete(lease, 7, 0, bytes, sha256, Always));
        return export;
    }
}
