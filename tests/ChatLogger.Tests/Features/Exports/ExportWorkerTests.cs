using System.Security.Cryptography;
using ChatLogger.ExportJobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Exports;

public class ExportWorkerTests(ExportsApp app) : IClassFixture<ExportsApp>, IAsyncLifetime
{
    private static readonly CancellationToken Always = CancellationToken.None;

    private readonly TaskCompletionSource _begun = new();
    private readonly TaskCompletionSource _gate = new();

    [Fact]
    public async Task An_export_is_written_stored_and_accounted_for()
    {
        var acme = await app.Org("acme");
        var bytes = Blocks.Sample(1_300_000);
        await using var instance = app.Instance(new FakeWriter().For(acme, bytes, rows: 42));
        await instance.Start();

        var asked = await instance.Ask(acme);
        await app.Reaches(asked, "done");

        var export = await instance.See(acme, asked);
        Assert.Equal((42, 42, 1_300_000), (export.Rows, export.TotalRows, export.Bytes));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), export.Sha256);
        Assert.Null(export.Reason);
        Assert.Equal(export.FinishedAt + TimeSpan.FromHours(24), export.ExpiresAt);
        Assert.Equal(bytes, await instance.Fetch(acme, asked));
        Assert.Equal(2, await app.ChunksOf(asked.Id));
    }

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
    public async Task A_frozen_worker_that_wakes_up_leaves_the_export_to_the_other()
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
    public async Task A_running_export_that_is_cancelled_stops_at_the_next_heartbeat()
    {
        var acme = await app.Org("acme");
        var stopped = new TaskCompletionSource();
        await using var instance = app.Instance(new FakeWriter().For(acme, async (sink, progress, ct) =>
        {
            await sink(Blocks.Sample(DatabaseExportStore.ChunkBytes), ct);
            progress(3, 10);
            _begun.SetResult();
            // Not disposed: the delay may end, and this method with it, before the callback has run.
            _ = ct.Register(stopped.SetResult);
            await Task.Delay(Timeout.Infinite, ct);
        }));
        await instance.Start();
        var export = await instance.Ask(acme);
        await _begun.Task;
        await Wait.Until(async () => await instance.See(acme, export) is { Rows: 3, TotalRows: 10, State: "running" });

        Assert.True(await instance.Queue.Cancel(acme.Id, export.Id, Persona.Operator, Always));
        var pace = LoadAwareStopwatch.Start();
        await Wait.For(stopped.Task);
        await pace.Within(5);

        await Wait.Until(async () => await app.ChunksOf(export.Id) == 0);
        Assert.Equal("cancelled", await app.State(export));
    }

    [Fact]
    public async Task A_writer_that_fails_is_tried_five_times_with_growing_pauses()
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
    public async Task A_writer_that_cannot_do_it_is_not_asked_again_and_its_reason_is_kept()
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
    public async Task One_that_always_fails_and_one_that_hangs_keep_nobody_waiting()
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
    public async Task A_database_that_cannot_be_asked_for_a_while_stops_no_worker()
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
            await Logged("cannot be swept");
        }
        finally
        {
            await app.Execute("alter table exports_away rename to exports");
        }
        await Wait.Until(async () => await app.State(export) == "queued");
        await app.Execute("update exports set next_attempt_at = now() where id = @Id", new { export.Id });

        await app.Reaches(export, "done");
    }

    [Fact]
    public async Task A_stopping_instance_hands_its_exports_over_within_five_seconds()
    {
        var acme = await app.Org("acme");
        await using var stopping = app.Instance(new FakeWriter().For(acme, async (sink, _, _) =>
        {
            await sink(Blocks.Sample(10), Always);
            _begun.SetResult();
            await _gate.Task;
        }));
        await stopping.Start();
        var export = await stopping.Ask(acme);
        await _begun.Task;

        var pace = LoadAwareStopwatch.Start();
        await Wait.For(stopping.Stop());
        await pace.Within(5);

        Assert.Equal(
            "queued, 0 attempts",
            await app.Value<string>(
                "select state || ', ' || attempts || ' attempts' from exports where id = @Id and next_attempt_at <= now()",
                new { export.Id }));
        await using var other = app.Instance(new FakeWriter().For(acme, Blocks.Sample(500)));
        await other.Start();
        await app.Reaches(export, "done");
        Assert.Equal(Blocks.Sample(500), await other.Fetch(acme, export));
        _gate.SetResult();
    }

    [Fact]
    public async Task Two_instances_work_through_a_queue_and_each_export_is_written_once()
    {
        var orgs = new[] { await app.Org("acme"), await app.Org("globex") };
        var writer = new FakeWriter().For(orgs[0], Blocks.Sample(100)).For(orgs[1], Blocks.Sample(100));
        await using var one = app.Instance(writer);
        await using var two = app.Instance(writer);
        await one.Start();
        await two.Start();

        var exports = new List<Export>();
        for (var count = 0; count < 8; count++)
        {
            exports.Add(await one.Ask(orgs[0]));
            exports.Add(await two.Ask(orgs[1]));
        }
        foreach (var export in exports)
            await app.Reaches(export, "done");

        Assert.Equal(16, writer.Begun);
    }

    [Fact]
    public async Task Files_may_be_in_a_directory_instead_and_leftovers_go_there_too()
    {
        var acme = await app.Org("acme");
        var root = Path.Combine(Path.GetTempPath(), $"chatlogger-exports-{Guid.NewGuid():N}");
        await using var instance = app.Instance(new FakeWriter().For(acme, Blocks.Sample(2_000_000)), store: new FileExportStore(root));
        var export = await instance.Ask(acme);
        var killed = instance.Store.Create((await instance.Leases.Claim(Always))!);
        await killed.Append(Blocks.Sample(10), Always);
        await app.LoseLease(export.Id);

        await instance.Start();
        await app.Reaches(export, "done");
        Assert.Equal(Blocks.Sample(2_000_000), await instance.Fetch(acme, export));
        await Wait.Until(() => Task.FromResult(Directory.GetFiles(root, "*", SearchOption.AllDirectories).Length == 1));
        await Assert.ThrowsAsync<LeaseLost>(() => killed.Finish(Always));
        await killed.DisposeAsync();

        await app.Execute("update exports set expires_at = now() where id = @Id", new { export.Id });
        await app.Reaches(export, "expired");
        await Wait.Until(() => Task.FromResult(Directory.GetFiles(root, "*", SearchOption.AllDirectories).Length == 0));
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task The_service_works_on_its_exports_by_itself()
    {
        var service = new WorkingApp();
        await service.InitializeAsync();
        try
        {
            var acme = await service.Org("acme");
            var queue = service.Services.GetRequiredService<ExportQueue>();
            var asked = await queue.Enqueue(
                new ExportRequest(acme.Id, "jsonl", null, null, null, [], null, null),
                acme.Id,
                "UTC",
                Persona.Operator,
                null,
                Always);

            await Wait.Until(async () => await queue.Get(acme.Id, asked.Export.Id, Always) is { State: "done", Bytes: 0 });
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    public Task InitializeAsync() => app.Settle();

    public Task DisposeAsync() => Task.CompletedTask;

    private Task Logged(string words) =>
        Wait.Until(() => app.Log.All.Any(line => line.Contains(words, StringComparison.Ordinal)), $"The log says: {words}");

    private sealed class WorkingApp : App
    {
        protected override void Customize(WebApplicationBuilder builder) => builder.Services.AddSingleton<IExportWriter>(new FakeWriter());
    }
}
