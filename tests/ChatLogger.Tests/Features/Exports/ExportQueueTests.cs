using ChatLogger.ExportJobs;
using ChatLogger.Http;
using Dapper;

namespace ChatLogger.Tests.Features.Exports;

public class ExportQueueTests(ExportsApp app) : IClassFixture<ExportsApp>, IAsyncLifetime
{
    private static readonly CancellationToken Always = CancellationToken.None;

    [Fact]
    public async Task An_export_that_is_asked_for_waits_with_all_that_was_said()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        var (member, user, from) = (Guid.CreateVersion7(), Guid.CreateVersion7(), DateTimeOffset.UnixEpoch);
        var request = new ExportRequest(acme.Id, "csv", "chats", from, from.AddDays(1), ["billing", "Übergröße"], user, "v-17");

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
    public async Task The_eleventh_that_would_wait_is_refused()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        for (var count = 0; count < 10; count++)
            await instance.Ask(acme);

        var refused = await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));

        Assert.Equal(ProblemType.ExportQueueFull, refused.Type);
        await instance.Ask(await app.Org("globex"));
        Assert.True(
            await instance.Queue.Cancel(acme.Id, (await instance.Queue.List(acme.Id, null, 1, Always))[0].Id, Persona.Operator, Always));
        await instance.Ask(acme);
        Assert.Equal(11, await acme.Count("exports"));
    }

    [Fact]
    public async Task The_twenty_first_of_an_hour_is_told_when_there_may_be_another()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        for (var count = 0; count < 20; count++)
            await instance.Queue.Cancel(acme.Id, (await instance.Ask(acme)).Id, Persona.Operator, Always);
        await app.Execute(
            """
            update exports
            set created_at = created_at - interval '50 minutes'
            where id = (select id from exports where org_id = @Id order by created_at limit 1)
            """,
            new { acme.Id });

        var refused = await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));

        Assert.Equal(ProblemType.Throttled, refused.Type);
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        app.Clock.Advance(refused.RetryAfter.Value);
        await instance.Ask(acme);
        await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));
    }

    [Fact]
    public async Task The_limits_hold_however_many_ask_at_once_on_two_instances()
    {
        var acme = await app.Org("acme");
        Instance[] instances = [app.Instance(), app.Instance()];

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 24).Select(index => Record.ExceptionAsync(() => instances[index % 2].Ask(acme))));

        Assert.Equal(10, answers.Count(answer => answer is null));
        Assert.All(
            answers.OfType<Exception>(),
            answer => Assert.Equal(ProblemType.ExportQueueFull, Assert.IsType<ProblemException>(answer).Type));
        Assert.Equal(10, await acme.Count("exports"));
    }

    [Fact]
    public async Task No_more_than_two_of_an_organization_run_however_many_claim_at_once()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        Instance[] instances = [app.Instance(), app.Instance()];
        for (var count = 0; count < 6; count++)
        {
            await instances[0].Ask(acme);
            await instances[1].Ask(globex);
        }

        var leases = await Task.WhenAll(Enumerable.Range(0, 16).Select(index => instances[index % 2].Leases.Claim(Always)));
        var more = new[] { await instances[0].Leases.Claim(Always), await instances[1].Leases.Claim(Always) };

        var held = leases.Concat(more).OfType<ExportLease>().ToList();
        Assert.Equal(2, held.Count(lease => lease.OrgId == acme.Id));
        Assert.Equal(2, held.Count(lease => lease.OrgId == globex.Id));
        Assert.Equal(4, held.Select(lease => lease.ExportId).Distinct().Count());
        Assert.Null(await instances[0].Leases.Claim(Always));
    }

    [Fact]
    public async Task An_organization_with_fewer_running_comes_first_and_then_the_oldest()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        var asked = new List<Export>();
        foreach (var org in new[] { acme, acme, acme, globex, globex })
        {
            asked.Add(await instance.Ask(org));
            await Task.Delay(2);
        }

        var claimed = new List<Guid>();
        for (var count = 0; count < 4; count++)
            claimed.Add((await instance.Leases.Claim(Always))!.ExportId);

        Assert.Equal([asked[0].Id, asked[3].Id, asked[1].Id, asked[4].Id], claimed);
        Assert.Null(await instance.Leases.Claim(Always));
    }

    [Fact]
    public async Task A_lease_that_is_over_is_taken_over_and_the_old_one_can_do_nothing_more()
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
    public async Task A_worker_that_slept_too_long_keeps_its_lease_when_nobody_wanted_it()
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
    public async Task A_finished_file_that_is_deleted_has_had_its_time()
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
    public async Task What_lost_leases_and_failed_exports_leave_is_swept_and_nothing_else()
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

    [Fact]
    public async Task What_is_lost_at_its_last_attempt_or_past_the_hard_limit_has_failed()
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
    public async Task Time_in_which_nobody_worked_on_it_does_not_count_for_the_hard_limit()
    {
        var instance = app.Instance();
        var export = await instance.Ask(await app.Org("acme"));
        await instance.Leases.Claim(Always);
        // Everything was down for a day, five minutes after the export was begun.
        await app.Execute(
            "update exports set started_at = now() - interval '1 day 5 minutes', lease_until = now() - interval '1 day' where id = @Id",
            new { export.Id });

        var lease = await instance.Leases.Claim(Always);

        Assert.InRange(lease!.TimeLeft, TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10));
    }

    public Task InitializeAsync() => app.Settle();

    public Task DisposeAsync() => Task.CompletedTask;

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
