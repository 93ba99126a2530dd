using ChatLogger.ExportJobs;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportWorkerTests
{
    [Fact]
    public async Task A_killed_workers_export_is_taken_over_and_has_only_the_new_file()
    {
        var acme = await app.Org("acme");
        var killed = app.Instance();
        await using var other = app.Instance(new FakeWriter().For(acme, Blocks.Sample(2_000_000, seed: 2)));
        var export = await killed.Ask(acme);
        var lease = (await killed.Leases.Claim(Always))!;
        await using var file = killed.Store.Create(lease);
        await file.Append(Blocks.Sample(3_000_000), Always);
        Assert.Equal(2, await app.ChunksOf(export.Id));

        await app.LoseLease(export.Id);
        await other.Start();
        await app.Reaches(export, "done");

        Assert.Equal(Blocks.Sample(2_000_000, seed: 2), await other.Fetch(acme, export));
        await other.Sweep.Run(Always);
        Assert.Equal(2, await app.ChunksOf(export.Id));
    }

    [Fact]
    public async Task A_frozen_worker_that_resumes_leaves_the_export_to_the_worker_that_took_over()
    {
        var acme = await app.Org("acme");
        // While it is frozen it renews no lease, notices nothing, and has no second worker that could take over.
        await using var frozen = app.Instance(
            new FakeWriter().For(acme, async (sink, _, ct) =>
            {
                await sink(Blocks.Sample(2_000_000), ct);
                _begun.SetResult();
                await _gate.Task;
                await sink(Blocks.Sample(2_000_000), ct);
            }),
            Instance.Settings with { Heartbeat = TimeSpan.FromMinutes(1), Lease = TimeSpan.FromMinutes(2), Workers = 1 });
        await using var other = app.Instance(new FakeWriter().For(acme, Blocks.Sample(500, seed: 2)));
        await frozen.Start();
        var export = await frozen.Ask(acme);
        await _begun.Task;

        await app.LoseLease(export.Id);
        await other.Start();
        await app.Reaches(export, "done");
        _gate.SetResult();
        await frozen.Stop();

        Assert.Equal("done", await app.State(export));
        Assert.Equal(Blocks.Sample(500, seed: 2), await other.Fetch(acme, export));
        await other.Sweep.Run(Always);
        Assert.Equal(1, await app.ChunksOf(export.Id));
    }

    [Fact]
    public async Task A_failing_export_is_tried_five_times_with_growing_pauses()
    {
        var acme = await app.Org("acme");
        var writer = new FakeWriter().For(acme, (_, _, _) => throw new InvalidOperationException("zzMARKERzz"));
        await using var instance = app.Instance(writer);
        await instance.Start();
        var export = await instance.Ask(acme);

        var pauses = new List<double>();
        for (var attempt = 1; attempt < 5; attempt++)
        {
            await Wait.Until(async () =>
                await app.Value<bool>(
                    "select state = 'queued' and attempts = @attempt from exports where id = @Id",
                    new { attempt, export.Id }));
            pauses.Add(
                await app.Value<double>(
                    "select extract(epoch from next_attempt_at - now())::float8 from exports where id = @Id",
                    new { export.Id }));
            await app.Execute("update exports set next_attempt_at = now() where id = @Id", new { export.Id });
        }
        await app.Reaches(export, "failed");

        foreach (var (pause, expected) in pauses.Zip([1, 5, 30, 120]))
            Assert.InRange(pause, expected - 0.9, expected);
        Assert.Equal(5, writer.Begun);
        Assert.Equal("It could not be written in 5 attempts.", (await instance.See(acme, export)).Reason);
    }

    [Fact]
    public async Task A_permanent_failure_is_not_retried_and_its_reason_is_kept()
    {
        var acme = await app.Org("acme");
        var writer = new FakeWriter().For(acme, (_, _, _) => throw new ExportFailed("The chat is too long for this format."));
        await using var instance = app.Instance(writer);
        await instance.Start();

        var export = await instance.Ask(acme);
        await app.Reaches(export, "failed");

        Assert.Equal("The chat is too long for this format.", (await instance.See(acme, export)).Reason);
        Assert.Equal(1, writer.Begun);
    }

    [Fact]
    public async Task An_export_ends_at_the_hard_limit_whatever_its_writer_does()
    {
        var acme = await app.Org("acme");
        // It does not react to cancellation either.
        await using var instance = app.Instance(
            new FakeWriter().For(acme, (_, _, _) => _gate.Task), Instance.Settings with { HardLimit = TimeSpan.FromMilliseconds(300) });
        await instance.Start();

        var export = await instance.Ask(acme);
        await app.Reaches(export, "failed");

        Assert.StartsWith("It took longer than", (await instance.See(acme, export)).Reason, StringComparison.Ordinal);
        _gate.SetResult();
    }

    [Fact]
    public async Task A_failing_export_and_a_hanging_export_do_not_delay_the_others()
    {
        var (acme, globex, initech) = (await app.Org("acme"), await app.Org("globex"), await app.Org("initech"));
        var writer = new FakeWriter()
            .For(acme, (_, _, _) => throw new InvalidOperationException())
            .For(globex, (_, _, ct) => Task.Delay(Timeout.Infinite, ct))
            .For(initech, Blocks.Sample(10));
        await using var instance = app.Instance(writer);
        await instance.Start();
        var poison = new[] { await instance.Ask(acme), await instance.Ask(globex) };

        for (var count = 0; count < 5; count++)
            await app.Reaches(await instance.Ask(initech), "done");

        Assert.Equal("queued", await app.State(poison[0]));
        Assert.Equal("running", await app.State(poison[1]));
    }

    [Fact]
    public async Task A_database_outage_does_not_stop_the_workers()
    {
        var acme = await app.Org("acme");
        await using var instance = app.Instance(new FakeWriter().For(acme, async (sink, progress, ct) =>
        {
            await sink(Blocks.Sample(10), ct);
            // While this attempt fails, its failure cannot be recorded.
            if (_begun.TrySetResult())
                await _gate.Task;
            progress(1, 1);
        }));
        await instance.Start();
        var export = await instance.Ask(acme);
        await _begun.Task;

        await app.Execute("alter table exports rename to exports_away");
        try
        {
            await Logged("could not be renewed");
            _gate.SetException(new IOException());
            await Logged("could not be stored");
            await Logged("cannot be read");
            await Logged("clean-up failed");
        }
        finally
        {
            await app.Execute("alter table exports_away rename to exports");
        }
        await Wait.Until(async () => await app.State(export) == "queued");
        await app.Execute("update exports set next_attempt_at = now() where id = @Id", new { export.Id });

        await app.Reaches(export, "done");
    }
}
