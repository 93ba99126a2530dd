using System.IO.Compression;
using System.Net.Sockets;
using System.Text;

namespace ChatLogger.Tests.Features.Exports;

public class DownloadExportTests(ExportApp app) : IClassFixture<ExportApp>
{
    [Fact]
    public async Task A_finished_file_is_served_whole_in_part_compressed_or_not_at_all()
    {
        var acme = await app.Org("acme");
        await acme.LongChat(20, 200_000);
        var admin = await acme.Admin();
        var location = (await admin.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202).Header("Location")!;
        var whole = (await admin.Ended(location)).Is(200);
        var bytes = Encoding.UTF8.GetBytes(whole.Body);
        var tag = whole.Header("ETag")!;
        Assert.True(bytes.Length > 3_500_000);
        Assert.Equal("bytes", whole.Header("Accept-Ranges"));
        Task<Answer> With(HttpMethod method, params (string Name, string Value)[] headers) => admin.Send(method, location, null, request =>
        {
            foreach (var (name, value) in headers)
                request.Headers.TryAddWithoutValidation(name, value);
        });

        var head = (await With(HttpMethod.Head)).Is(200);
        Assert.Equal("", head.Body);
        Assert.Equal($"{bytes.Length}", head.Header("Content-Length"));
        Assert.Equal(tag, head.Header("ETag"));
        (await With(HttpMethod.Head, ("Range", "bytes=0-1"))).Is(200);

        foreach (
            var (range, start, end) in new[]
            {
                ("bytes=0-0", 0, 0),
                ("bytes=10-19", 10, 19),
                ("bytes=1048570-1048585", 1_048_570, 1_048_585),
                ("bytes=2000000-", 2_000_000, bytes.Length - 1),
                ("bytes=-100", bytes.Length - 100, bytes.Length - 1),
                ($"bytes=5-{bytes.Length + 99L}", 5, bytes.Length - 1),
            })
        {
            var part = (await With(HttpMethod.Get, ("Range", range), ("Accept-Encoding", "gzip"), ("If-Range", tag))).Is(206);
            Assert.Equal($"bytes {start}-{end}/{bytes.Length}", part.Header("Content-Range"));
            Assert.Equal(Encoding.UTF8.GetString(bytes[start..(end + 1)]), part.Body);
        }
        Assert.Equal(
            $"bytes */{bytes.Length}",
            (await With(HttpMethod.Get, ("Range", $"bytes={bytes.Length}-")))
                .IsProblem(416, "range-not-satisfiable")
                .Header("Content-Range"));
        (await With(HttpMethod.Get, ("Range", "bytes=0-1"), ("If-Range", "\"other\""))).Is(200);
        (await With(HttpMethod.Get, ("Range", "bytes=0-1,3-4"))).Is(200);
        (await With(HttpMethod.Get, ("Range", "lines=0-1"))).Is(200);
        Assert.Equal("", (await With(HttpMethod.Get, ("If-None-Match", tag))).Is(304).Body);
        (await With(HttpMethod.Get, ("If-None-Match", "\"other\""))).Is(200);

        using var request = new HttpRequestMessage(HttpMethod.Get, location);
        request.Headers.TryAddWithoutValidation("Cookie", admin.Credential);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var response = await app.Http.SendAsync(request);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        Assert.NotEqual(tag, response.Headers.ETag!.Tag);
        var gzip = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(
            whole.Body,
            await new StreamReader(new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress)).ReadToEndAsync());
        // One member is the whole of it (a raw deflate stream behind a head of ten bytes): clients stop after the first.
        Assert.Equal(
            whole.Body,
            await new StreamReader(
                new DeflateStream(new MemoryStream(gzip, 10, gzip.Length - 10), CompressionMode.Decompress)
            ).ReadToEndAsync());
    }

    [Fact]
    public async Task A_slow_reader_holds_no_transaction_and_a_broken_transfer_is_seen_as_broken()
    {
        var acme = await app.Org("acme");
        await acme.LongChat(60, 250_000);
        var admin = await acme.Admin();
        var location = (await admin.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202).Header("Location")!;
        (await admin.Ended(location)).Is(200);
        using var request = new HttpRequestMessage(HttpMethod.Get, location);
        request.Headers.TryAddWithoutValidation("Cookie", admin.Credential);
        // A fixed receive buffer: the kernel could otherwise enlarge it to hold the whole file.
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 * 1024 };
                await socket.ConnectAsync(context.DnsEndPoint, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = app.Address };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var file = await response.Content.ReadAsStreamAsync();
        await file.ReadExactlyAsync(new byte[10]);

        // When the buffers are full, the service reads no more, and holds no connection while it waits.
        var quiet = 0;
        await Wait.Until(async () => (quiet = await Busy() == 0 ? quiet + 1 : 0) == 100);
        Assert.Equal(0, await Busy());
        await app.Execute("delete from export_chunks where org_id = @Id", new { acme.Id });

        await Assert.ThrowsAnyAsync<IOException>(() => file.CopyToAsync(Stream.Null));

        Task<long> Busy() =>
            app.Value<long>(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (xact_start is "
                    + "not null or state = 'active') and query like '%export_chunks%'");
    }

    [Fact]
    public async Task Rights_are_those_of_the_moment_of_the_download()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("admin");
        var bob = await acme.Member("admin");
        var location = (await ann.Caller.Post(ExportFixture.Path, new { format = "csv", mode = "async" })).Is(202).Header("Location")!;
        (await ann.Caller.Ended(location)).Is(200);

        await app.Execute("update users set role = 'viewer' where id = @Id", new { ann.Id });
        (await ann.Caller.Get(location)).IsProblem(403, "forbidden");
        await app.Execute("update users set disabled_at = now() where id = @Id", new { ann.Id });
        (await ann.Caller.Get(location)).IsProblem(401, "unauthenticated");
        (await bob.Caller.Get(location)).Is(200);
    }

    [Fact]
    public async Task Another_organizations_export_does_not_exist()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = (await (await globex.Admin()).Post(ExportFixture.Path, new { format = "csv", mode = "async" }))
            .Is(202)
            .Header("Location")!;
        var admin = await acme.Admin();

        var none = (await admin.Get($"{ExportFixture.Path}/{Guid.CreateVersion7()}")).IsProblem(404, "not-found");
        Assert.Equal(none.Comparable, (await admin.Get(theirs)).IsProblem(404, "not-found").Comparable);
        (await admin.Delete(theirs)).IsProblem(404, "not-found");
        (await admin.Get(ExportFixture.Path + "/nonsense")).IsProblem(404, "not-found");
        (await (await globex.Admin()).Ended(theirs)).Is(200);
    }

    [Fact]
    public async Task Cancelled_deleted_failed_and_expired_exports_say_so()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        async Task<string> Finished()
        {
            var location = (await admin.Post(ExportFixture.Path, new { format = "csv", mode = "async" })).Is(202).Header("Location")!;
            (await admin.Ended(location)).Is(200);
            return location;
        }

        var removed = await Finished();
        (await admin.Delete(removed)).Is(204);
        (await admin.Get(removed)).IsProblem(410, "gone");
        (await admin.Delete(removed)).Is(204);

        var over = await Finished();
        await app.Execute(
            "update exports set expires_at = now() - interval '1 second' where id = @Id::uuid",
            new { Id = over.Split('/')[^1] });
        (await admin.Get(over)).IsProblem(410, "gone");

        var failed = await Finished();
        await app.Execute(
            "update exports set state = 'failed', reason = 'It was not to be.' where id = @Id::uuid",
            new { Id = failed.Split('/')[^1] });
        Assert.Equal("It was not to be.", (await admin.Get(failed)).IsProblem(409, "export-failed").Text("detail"));

        var cancelled = await Finished();
        await app.Execute("update exports set state = 'cancelled' where id = @Id::uuid", new { Id = cancelled.Split('/')[^1] });
        (await admin.Get(cancelled)).IsProblem(410, "gone");
    }

    [Fact]
    public async Task The_list_is_the_organizations_own_newest_first_in_pages()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var made = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            made.Add((await admin.Post(ExportFixture.Path, new { format = "csv", mode = "async" })).Is(202).Text("id"));
            await Task.Delay(2);
        }

        var first = (await admin.Get($"{ExportFixture.Path}?limit=2")).Is(200);
        var second = (await admin.Get($"{ExportFixture.Path}?limit=2&cursor={first.Text("nextCursor")}")).Is(200);

        Assert.Equal(
            Enumerable.Reverse(made),
            first["items"].EnumerateArray().Concat(second["items"].EnumerateArray()).Select(export => export.GetProperty("id").GetString()!)
        );
        (await (await (await app.Org("globex")).Admin()).Get($"{ExportFixture.Path}?cursor={first.Text("nextCursor")}")).IsInvalid(
            "cursor");
    }
}
