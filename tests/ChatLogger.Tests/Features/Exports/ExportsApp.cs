using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>A service that leaves its exports to the instances that a test creates, which have other time-outs than real ones.</summary>
public sealed class ExportsApp : App
{
    internal NpgsqlDataSource Pool => Services.GetRequiredService<NpgsqlDataSource>();

    internal DatabaseExportStore Chunks => new(Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Exports));

    /// <summary>Removes what earlier tests left in the queue.</summary>
    internal Task Settle() => Execute(
        "update exports set state = 'failed', finished_at = now(), lease_until = null, slot = null where state in ('queued', 'running')");

    internal Instance Instance(IExportWriter? writer = null, ExportSettings? settings = null, IExportStore? store = null) =>
        new(this, writer ?? new FakeWriter(), settings ?? Exports.Instance.Settings, store ?? Chunks);

    internal Task<string?> State(Export export) => Value<string>("select state from exports where id = @Id", new { export.Id });

    /// <summary>Moves the times of one export into the past: its lease, its pause and its expiry.</summary>
    internal Task LoseLease(Guid exportId) =>
        Execute("update exports set lease_until = now() - interval '1 second' where id = @Id", new { Id = exportId });

    internal Task<long> ChunksOf(Guid exportId) =>
        Value<long>("select count(*) from export_chunks where export_id = @Id", new { Id = exportId });

    /// <summary>Until the export is in this state; fails with the state it is in.</summary>
    internal async Task Reaches(Export export, string state)
    {
        try
        {
            await Wait.Until(async () => await State(export) == state);
        }
        catch (Xunit.Sdk.TrueException)
        {
            Assert.Fail(
                $"The export is {await State(export)}, not {state}. "
                    + $"{string.Join('\n', Log.All.Where(line => line.Contains(export.Id.ToString(), StringComparison.Ordinal)))}");
        }
    }

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["Exports:Workers"] = "0", ["Purge:Interval"] = "01:00:00" });
}

/// <summary>The export services of an instance.</summary>
internal sealed class Instance : IAsyncDisposable
{
    public static readonly ExportSettings Settings = new()
    {
        Poll = TimeSpan.FromMilliseconds(30),
        Sweep = TimeSpan.FromMilliseconds(100),
        Heartbeat = TimeSpan.FromMilliseconds(50),
    };

    private readonly ExportWorker _worker;

    public Instance(ExportsApp app, IExportWriter writer, ExportSettings settings, IExportStore store)
    {
        Store = store;
        Queue = new(
            app.Pool,
            new IdGenerator(app.Clock),
            settings,
            app.Services.GetRequiredService<IdempotencyKeyStore>(),
            app.Services.GetRequiredService<AuditLog>(),
            app.Services.GetRequiredService<Engine>(),
            app.Services.GetRequiredService<DatabaseSettings>());
        Leases = new(app.Pool, settings);
        var membership = app.Services.GetRequiredService<ExportMembership>();
        Sweep = new(app.Pool, store, membership, Leases);
        var log = new Logger<ExportWorker>(app.Services.GetRequiredService<ILoggerFactory>());
        var runner = new ExportRunner(Leases, store, membership, writer, settings, new IngestActivity(), log);
        _worker = new(Queue, Leases, Sweep, runner, settings, log);
    }

    public IExportStore Store { get; }

    public ExportQueue Queue { get; }

    public ExportLeases Leases { get; }

    public ExportCleanup Sweep { get; }

    public Task Start() => _worker.StartAsync(CancellationToken.None);

    public Task Stop() => _worker.StopAsync(CancellationToken.None);

    public async Task<Export> Ask(Org org, string format = "jsonl") =>
        (
            await Queue.Enqueue(
                new ExportRequest(org.Id, format, null, null, null, [], null, null),
                Guid.CreateVersion7(),
                "UTC",
                Persona.Operator,
                null,
                CancellationToken.None)
        ).Export;

    public async Task<Export> See(Org org, Export export) => (await Queue.Get(org.Id, export.Id, CancellationToken.None))!;

    /// <summary>The bytes of the file.</summary>
    public async Task<byte[]> Fetch(Org org, Export export)
    {
        var stored = await Queue.Stored(org.Id, export.Id, CancellationToken.None);
        return await Store.Read(stored!.File, 0, stored.Bytes, CancellationToken.None).Whole();
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        _worker.Dispose();
    }
}

/// <summary>A format with the content that a test sets; files of other organizations are empty.</summary>
internal sealed class FakeWriter : IExportWriter
{
    private readonly Dictionary<Guid, Script> _scripts = [];
    private int _begun;

    public delegate Task Script(
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink,
        Action<long, long> progress,
        CancellationToken ct);

    /// <summary>How many files were begun.</summary>
    public int Begun => _begun;

    public FakeWriter For(Org org, Script script)
    {
        _scripts[org.Id] = script;
        return this;
    }

    public FakeWriter For(Org org, byte[] file, long rows = 1) => For(org, async (sink, progress, ct) =>
    {
        await sink(file, ct);
        progress(rows, rows);
    });

    public async Task<long> Write(
        ExportRequest request,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink,
        Action<long, long> progress,
        Action<Guid> chat,
        CancellationToken ct)
    {
        Interlocked.Increment(ref _begun);
        if (_scripts.TryGetValue(request.OrgId, out var script))
            await script(sink, progress, ct);
        return 0;
    }

    public Task<long> CountMessages(ExportRequest request, long most, CancellationToken ct) => Task.FromResult(0L);
}

internal static class Blocks
{
    public static async Task<byte[]> Whole(this IAsyncEnumerable<ReadOnlyMemory<byte>> blocks)
    {
        var whole = new MemoryStream();
        await foreach (var block in blocks)
            whole.Write(block.Span);
        return whole.ToArray();
    }

    /// <summary>Bytes that compress a little, always the same.</summary>
    public static byte[] Sample(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        for (var index = 0; index < length; index++)
            bytes[index] = (byte)('a' + (bytes[index] & 15));
        return bytes;
    }
}
