using System.IO.Hashing;
using System.Runtime.CompilerServices;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>Stores the files of exports in the database, so that any instance can serve them without a shared disk.</summary>
internal sealed class DatabaseExportStore([FromKeyedServices(Pools.Exports)] NpgsqlDataSource db) : IExportStore
{
    /// <summary>The maximum size of a chunk, in bytes of the uncompressed file.</summary>
    public const int ChunkBytes = 1_048_576;

    private const int BatchChunks = 64;

    public ExportFileWriter Create(ExportLease lease) => new ChunkWriter(db, lease);

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Read(
        ExportFile file, long offset, long length, [EnumeratorCancellation] CancellationToken ct)
    {
        var end = Math.Min(offset + length, file.Bytes);
        int? index = null;
        while (offset < end)
        {
            var chunk = await (index is null ? ChunkAt(file, offset, Gzip.End, ct) : Chunk(file, index.Value, Gzip.End, ct));
            if (chunk is null || offset < chunk.Start || offset >= chunk.Start + chunk.Length)
                throw Gone();
            var before = (int)(offset - chunk.Start);
            foreach (var block in Gzip.Read(chunk.Data, chunk.Length))
            {
                var skipped = Math.Min(before, block.Length);
                before -= skipped;
                var count = (int)Math.Min(block.Length - skipped, end - offset);
                if (count > 0)
                    yield return block.Slice(skipped, count);
                offset += count;
            }
            index = chunk.Index + 1;
        }
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadGzip(ExportFile file, [EnumeratorCancellation] CancellationToken ct)
    {
        yield return Gzip.Head;
        var crc32 = 0u;
        var index = 0;
        for (var offset = 0L; offset < file.Bytes; index++)
        {
            if (await Chunk(file, index, [], ct) is not { } chunk || chunk.Start != offset)
                throw Gone();
            yield return chunk.Data;
            crc32 = (uint)chunk.Crc32;
            offset += chunk.Length;
        }
        yield return Gzip.Tail(crc32, file.Bytes);
    }

    public Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct) =>
        ExportRows.Delete(db, ExportRows.Chunks, BatchChunks, orgId, exportId, keep, ct);

    private Task<ChunkRow?> ChunkAt(ExportFile file, long offset, byte[] and, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<ChunkRow>(
            """
            select index, start, length, crc32, data || @And as data
            from export_chunks
            where org_id = @OrgId
              and export_id = @ExportId
              and fence = @Fence
              and start <= @Offset
            order by index desc
            limit 1
            """,
            new { file.OrgId, file.ExportId, file.Fence, Offset = offset, And = and },
            ct);

    private Task<ChunkRow?> Chunk(ExportFile file, int index, byte[] and, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<ChunkRow>(
            """
            select index, start, length, crc32, data || @And as data
            from export_chunks
            where org_id = @OrgId
              and export_id = @ExportId
              and fence = @Fence
              and index = @Index
            """,
            new { file.OrgId, file.ExportId, file.Fence, Index = index, And = and },
            ct);

    private static EndOfStreamException Gone() => new("The export's file is not whole any more.");

    private sealed record ChunkRow(int Index, long Start, int Length, long Crc32, byte[] Data);

    private sealed class ChunkWriter(NpgsqlDataSource db, ExportLease lease) : ExportFileWriter
    {
        private readonly byte[] _chunk = new byte[ChunkBytes];
        private readonly Crc32 _crc32 = new();
        private int _filled;
        private int _index;
        private long _start;

        protected override async ValueTask Write(ReadOnlyMemory<byte> block, CancellationToken ct)
        {
            while (!block.IsEmpty)
            {
                var count = Math.Min(block.Length, ChunkBytes - _filled);
                block[..count].CopyTo(_chunk.AsMemory(_filled));
                block = block[count..];
                _filled += count;
                if (_filled == ChunkBytes)
                    await Store(ct);
            }
        }

        protected override Task Flush(CancellationToken ct) => _filled == 0 ? Task.CompletedTask : Store(ct);

        // One statement checks the fence and stores the chunk. Its share lock on the export serializes it with a claim or a cancellation:
        // either that waits for the chunk, or this statement sees the new fence and stores nothing. So no chunk under an old fence can
        // follow a claim.
        private async Task Store(CancellationToken ct)
        {
            _crc32.Append(_chunk.AsSpan(0, _filled));
            var stored = await db.ExecuteAsync(
                """
                insert into export_chunks (org_id, export_id, fence, index, start, length, crc32, data)
                select org_id, id, fence, @Index, @Start, @Length, @Crc32, @Data
                from exports
                where org_id = @OrgId
                  and id = @ExportId
                  and fence = @Fence
                  and state = 'running'
                for share
                """,
                new
                {
                    lease.OrgId,
                    lease.ExportId,
                    lease.Fence,
                    Index = _index,
                    Start = _start,
                    Length = _filled,
                    Crc32 = (long)_crc32.GetCurrentHashAsUInt32(),
                    Data = Gzip.Piece(_chunk.AsSpan(0, _filled)),
                },
                ct);
            if (stored == 0)
                throw new LeaseLost();
            _index++;
            _start += _filled;
            _filled = 0;
        }
    }
}
