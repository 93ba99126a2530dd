using System.Security.Cryptography;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>A whole file in memory.</summary>
internal sealed record SmallFile(IExportFormat Format, ReadOnlyMemory<byte> Bytes, string Sha256, DateTimeOffset At);

/// <summary>Exports that are small enough to be answered at once. The file is finished before its first byte leaves, so it is whole or it is refused.</summary>
internal sealed class SmallExports(IExportWriter writer, IEnumerable<IExportFormat> formats, ExportSettings settings, TimeProvider time) : IDisposable
{
    // Each holds its file in memory, and a connection of a small pool while it reads.
    private readonly SemaphoreSlim _atATime = new(2);

    public int MostMessages => settings.SyncMessages;

    public int MostBytes => settings.SyncBytes;

    /// <summary>The file; null when there is more to export than is answered at once.</summary>
    public async Task<SmallFile?> TryWrite(ExportRequest request, CancellationToken ct)
    {
        await _atATime.WaitAsync(ct);
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
            throw Problem.ExportFailed(failed.Message);
        }
        finally
        {
            _atATime.Release();
        }
    }

    public void Dispose() => _atATime.Dispose();

    private sealed class TooLarge : Exception;
}
