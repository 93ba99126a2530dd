using System.Security.Cryptography;
using ChatLogger.ExportJobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportWorkerTests(ExportsApp app) : IClassFixture<ExportsApp>, IAsyncLifetime
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
    public async Task The_service_starts_its_export_workers()
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
