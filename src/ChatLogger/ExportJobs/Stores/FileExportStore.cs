using System.IO.Hashing;
using System.Runtime.CompilerServices;
using ChatLogger.Configuration;
using Microsoft.Win32.SafeHandles;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Stores the files of exports uncompressed in a directory, with one folder for each organization. The name of a file consists of its
/// export and the fence of its lease. While it is written it ends in <c>.part</c>, so a file with its final name is complete.
/// </summary>
internal sealed class FileExportStore(string root) : IExportStore
{
    private const int BlockBytes = 1_048_576;

    /// <summary>Checks at start-up, rather than with the first export, that files can be written to the directory.</summary>
    /// <exception cref="StartupException">The directory is not writable.</exception>
    public static void Check(string directory)
    {
        var probe = Path.Combine(directory, $".probe-{Guid.NewGuid():N}");
        try
        {
            if (!Directory.Exists(directory))
                throw new StartupException(
                    $"Exports__Directory is {directory}, which is not there. Make it, or mount it, and let all instances see the same one."
                );
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"Exports__Directory is {directory}, where this user cannot write: {failure.Message}");
        }
    }

    public ExportFileWriter Create(ExportLease lease) => new DiskWriter(Name(lease.OrgId, lease.ExportId, lease.Fence));

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Read(
        ExportFile file, long offset, long length, [EnumeratorCancellation] CancellationToken ct)
    {
        using var handle = Open(file);
        var end = Math.Min(offset + length, file.Bytes);
        var block = new byte[(int)Math.Clamp(end - offset, 0, BlockBytes)];
        while (offset < end)
        {
            var count = await RandomAccess.ReadAsync(handle, block.AsMemory(0, (int)Math.Min(block.Length, end - offset)), offset, ct);
            if (count == 0)
                throw new EndOfStreamException("The export's file is not whole any more.");
            yield return block.AsMemory(0, count);
            offset += count;
        }
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadGzip(ExportFile file, [EnumeratorCancellation] CancellationToken ct)
    {
        yield return Gzip.Head;
        var crc32 = new Crc32();
        await foreach (var block in Read(file, 0, file.Bytes, ct))
        {
            crc32.Append(block.Span);
            yield return Gzip.Piece(block.Span);
        }
        yield return Gzip.Tail(crc32.GetCurrentHashAsUInt32(), file.Bytes);
    }

    public Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct)
    {
        var folder = Folder(orgId);
        if (!Directory.Exists(folder))
            return Task.CompletedTask;
        var kept = keep is null ? null : Name(orgId, exportId, keep.Value);
        foreach (var file in Directory.EnumerateFiles(folder, $"{exportId}.*"))
        {
            if (kept is null || (file != kept && file != Part(kept)))
                File.Delete(file);
        }
        return Task.CompletedTask;
    }

    private string Folder(Guid orgId) => Path.Combine(root, orgId.ToString());

    private string Name(Guid orgId, Guid exportId, long fence) => Path.Combine(Folder(orgId), $"{exportId}.{fence}");

    private static string Part(string name) => name + ".part";

    private SafeFileHandle Open(ExportFile file)
    {
        try
        {
            return File.OpenHandle(
                Name(file.OrgId, file.ExportId, file.Fence),
                share: FileShare.Read | FileShare.Delete,
                options: FileOptions.Asynchronous);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EndOfStreamException("The export's file is not there any more.", gone);
        }
    }

    private sealed class DiskWriter : ExportFileWriter
    {
        private readonly string _name;
        private readonly FileStream _file;

        public DiskWriter(string name)
        {
            _name = name;
            // Other users of this machine must not be able to read the conversations.
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Share = FileShare.Read | FileShare.Delete,
                BufferSize = 131_072,
                Options = FileOptions.Asynchronous,
            };
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(Path.GetDirectoryName(name)!);
            }
            else
            {
                Directory.CreateDirectory(
                    Path.GetDirectoryName(name)!,
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }
            _file = new FileStream(Part(name), options);
        }

        public override void Discard() => File.Delete(_name);

        public override async ValueTask DisposeAsync()
        {
            await _file.DisposeAsync();
            // A file that has not got its final name by now is incomplete and will never be read.
            File.Delete(Part(_name));
            await base.DisposeAsync();
        }

        protected override ValueTask Write(ReadOnlyMemory<byte> block, CancellationToken ct) => _file.WriteAsync(block, ct);

        protected override async Task Flush(CancellationToken ct)
        {
            await _file.FlushAsync(ct);
            _file.Flush(flushToDisk: true);
            try
            {
                File.Move(Part(_name), _name);
            }
            // The lease was lost, and the cleanup has already deleted the file.
            catch (FileNotFoundException)
            {
                throw new LeaseLost();
            }
        }
    }
}
