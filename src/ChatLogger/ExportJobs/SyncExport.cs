using System.Security.Cryptography;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>A complete export file in memory.</summary>
internal sealed record SyncExportFile(IExportFormat Format, ReadOnlyMemory<byte> Bytes, string Sha256, DateTimeOffset At);

/// <summary>
/// Synchronous exports: those that are small enough to be sent in the response. The file is completed in memory before its first byte is
/// sent, so the caller gets either a complete file or an error.
/// </summary>
internal sealed class SyncExport(
    IExportWriter writer,
    IEnumerable<IExportFormat> formats,
    ExportSettings settings,
    ServerSettings server,
    TimeProvider time,
    [FromKeyedServices(Pools.Exports)] NpgsqlDataSource db,
    NpgsqlDataSource common)
    : IDisposable
{
    // An export may receive nothing for a while because PostgreSQL works on the query. A probe on another connection, with this interval
    // and the time-out below, tells whether PostgreSQL is reachable at all.
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    // Bounds memory and connections: each export holds its file in memory, and a connection of a small pool while it reads.
    private readonly SemaphoreSlim _concurrency = new(2);

    public int MaxMessages => settings.SyncMessages;

    public int MaxBytes => settings.SyncBytes;

    /// <summary>Writes the file; null: it exceeds the limits of a synchronous export.</summary>
    public async Task<SyncExportFile?> TryWrite(ExportRequest request, CancellationToken ct)
    {
        // An export has a longer deadline than other requests.
        using var pausing = Deadline.PauseCurrent(server.SyncExportDeadline);
        await Enter(ct);
        try
        {
            return await CancelWhenDatabaseIsSilent(token => Write(request, token), ct);
        }
        finally
        {
            _concurrency.Release();
        }
    }

    public void Dispose() => _concurrency.Dispose();

    private async Task Enter(CancellationToken ct)
    {
        try
        {
            await _concurrency.WaitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            throw new WaitTimeoutException("Too many exports are being answered at once. Try again shortly, or ask with mode async.");
        }
    }

    private async Task<SyncExportFile?> CancelWhenDatabaseIsSilent(
        Func<CancellationToken, Task<SyncExportFile?>> work,
        CancellationToken ct)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var running = DatabaseWork.Run(db, work, silence.Token);
        while (await Task.WhenAny(running, Task.Delay(ProbeInterval, ct)) != running)
        {
            try
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
                timeout.CancelAfter(ProbeTimeout);
                await common.ReadSingleOrDefaultAsync<int>("select 1", new { }, timeout.Token);
            }
            catch (Exception)
            {
                await silence.CancelAsync();
            }
        }
        return await running;
    }

    private async Task<SyncExportFile?> Write(ExportRequest request, CancellationToken ct)
    {
        try
        {
            if (await writer.CountMessages(request, settings.SyncMessages, ct) > settings.SyncMessages)
                return null;
            var buffer = new MemoryStream();
            await writer.Write(
                request,
                (block, _) =>
                {
                    if (buffer.Length + block.Length > settings.SyncBytes)
                        throw new TooLarge();
                    buffer.Write(block.Span);
                    return ValueTask.CompletedTask;
                },
                (_, _) => { },
                _ => { },
                ct);
            var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
            return new(
                formats.Find(request.Format, request.Layout)!,
                bytes,
                Convert.ToHexStringLower(SHA256.HashData(bytes.Span)),
                time.GetUtcNow());
        }
        catch (TooLarge)
        {
            return null;
        }
        catch (ExportFailed failed)
        {
            throw ProblemException.ExportFailed(failed.Message);
        }
    }

    private sealed class TooLarge : Exception;
}
