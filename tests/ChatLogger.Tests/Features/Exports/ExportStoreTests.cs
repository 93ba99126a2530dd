using System.IO.Compression;
using System.Security.Cryptography;
using ChatLogger.ExportJobs;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>Rules for every store.</summary>
public abstract class ExportStoreTests(ExportsApp app) : IAsyncLifetime
{
    private static readonly CancellationToken Always = CancellationToken.None;

    private protected ExportsApp App => app;

    private protected abstract IExportStore Store { get; }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(DatabaseExportStore.ChunkBytes)]
    [InlineData((2 * DatabaseExportStore.ChunkBytes) + 12_345)]
    public async Task A_stored_file_is_read_back_unchanged_whole_in_ranges_and_in_gzip(int length)
    {
        var bytes = Blocks.Sample(length);
        var file = await Stored(bytes);

        Assert.Equal(bytes, await Store.Read(file, 0, length, Always).Whole());
        foreach (
            var offset in new[]
            {
                0,
                1,
                length / 2,
                DatabaseExportStore.ChunkBytes - 1,
                DatabaseExportStore.ChunkBytes,
                DatabaseExportStore.ChunkBytes + 1,
                length - 1,
                length,
            })
        {
            if (offset < 0 || offset > length)
                continue;
            Assert.Equal(bytes[offset..], await Store.Read(file, offset, length, Always).Whole());
            var few = Math.Min(10, length - offset);
            Assert.Equal(bytes[offset..(offset + few)], await Store.Read(file, offset, few, Always).Whole());
        }
        using var gzip = new GZipStream(new MemoryStream(await Store.ReadGzip(file, Always).Whole()), CompressionMode.Decompress);
        var unpacked = new MemoryStream();
        await gzip.CopyToAsync(unpacked);
        Assert.Equal(bytes, unpacked.ToArray());
    }

    [Fact]
    public async Task Blocks_of_any_size_make_one_file_and_its_sha256()
    {
        var lease = await Lease();
        var bytes = Blocks.Sample(1_500_000);
        await using var writer = Store.Create(lease);
        var position = 0;
        foreach (var size in new[] { 0, 1, 7, 400_000, 1_048_576, 51_416 })
        {
            await writer.Append(bytes.AsMemory(position, size), Always);
            position += size;
        }
        var (length, sha256) = await writer.Finish(Always);

        Assert.Equal(1_500_000, length);
        Assert.Equal(SHA256.HashData(bytes), sha256);
        Assert.Equal(bytes, await Store.Read(new(lease.OrgId, lease.ExportId, lease.Fence, length, ""), 0, length, Always).Whole());
    }

    [Fact]
    public async Task A_file_deleted_while_it_is_read_ends_the_read_with_an_error()
    {
        var file = await Stored(Blocks.Sample(2_500_000));
        await using var reading = Store.Read(file, 0, file.Bytes, Always).GetAsyncEnumerator();
        Assert.True(await reading.MoveNextAsync());

        await Store.Delete(file.OrgId, file.ExportId, null, Always);

        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.Read(file, 0, file.Bytes, Always).Whole());
        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.ReadGzip(file, Always).Whole());
    }

    [Fact]
    public async Task Stalled_readers_hold_no_connection_to_the_database()
    {
        var bytes = Blocks.Sample(DatabaseExportStore.ChunkBytes + 1);
        var file = await Stored(bytes);
        // Many more than there are connections.
        var slow = Enumerable.Range(0, 25).Select(_ => Store.Read(file, 0, file.Bytes, Always).GetAsyncEnumerator()).ToList();
        foreach (var reader in slow)
            Assert.True(await reader.MoveNextAsync());

        Assert.Equal(bytes, await Store.Read(file, 0, file.Bytes, Always).Whole());
        foreach (var reader in slow)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_truncated_file_aborts_the_response()
    {
        var file = await Stored(Blocks.Sample(1_200_000)) with { Bytes = 1_200_001 };

        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.Read(file, 0, file.Bytes, Always).Whole());
        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.ReadGzip(file, Always).Whole());
    }

    [Fact]
    public async Task Deleting_keeps_what_the_last_lease_has_written_and_what_others_have()
    {
        var first = await Lease();
        await Put(first, Blocks.Sample(10));
        await app.LoseLease(first.ExportId);
        var second = (await app.Instance().Leases.Claim(Always))!;
        var kept = await Put(second, Blocks.Sample(20));
        var other = await Stored(Blocks.Sample(30));

        await Store.Delete(first.OrgId, first.ExportId, second.Fence, Always);

        await Assert.ThrowsAsync<EndOfStreamException>(() =>
            Store.Read(new(first.OrgId, first.ExportId, first.Fence, 10, ""), 0, 10, Always).Whole());
        Assert.Equal(Blocks.Sample(20), await Store.Read(kept, 0, 20, Always).Whole());
        Assert.Equal(Blocks.Sample(30), await Store.Read(other, 0, 30, Always).Whole());
    }

    [Fact]
    public async Task An_unfinished_export_cannot_be_read()
    {
        var lease = await Lease();
        await using (var writer = Store.Create(lease))
            await writer.Append(Blocks.Sample(100), Always);

        await Assert.ThrowsAsync<EndOfStreamException>(() =>
            Store.Read(new(lease.OrgId, lease.ExportId, lease.Fence, 100, ""), 0, 100, Always).Whole());
    }

    public Task InitializeAsync() => app.Settle();

    public virtual Task DisposeAsync() => Task.CompletedTask;

    private async Task<ExportLease> Lease()
    {
        var instance = app.Instance();
        var export = await instance.Ask(await app.Org("acme"));
        var lease = await instance.Leases.Claim(Always);
        Assert.Equal(export.Id, lease!.ExportId);
        return lease;
    }

    private async Task<ExportFile> Stored(byte[] bytes) => await Put(await Lease(), bytes);

    private async Task<ExportFile> Put(ExportLease lease, byte[] bytes)
    {
        await using var writer = Store.Create(lease);
        await writer.Append(bytes, Always);
        var (length, sha256) = await writer.Finish(Always);
        return new(lease.OrgId, lease.ExportId, lease.Fence, length, Convert.ToHexStringLower(sha256));
    }
}

public sealed class DatabaseExportStoreTests(ExportsApp app) : ExportStoreTests(app), IClassFixture<ExportsApp>
{
    private protected override IExportStore Store => App.Chunks;
}

public sealed class FileExportStoreTests(ExportsApp app) : ExportStoreTests(app), IClassFixture<ExportsApp>
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), $"chatlogger-exports-{Guid.NewGuid():N}");

    private protected override IExportStore Store => new FileExportStore(_root);

    public override Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }
}
