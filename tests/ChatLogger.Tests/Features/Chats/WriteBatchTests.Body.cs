using System.IO.Compression;
using System.Text;

namespace ChatLogger.Tests.Features.Chats;

public partial class WriteBatchTests
{
    [Theory]
    [InlineData("", "body")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("{}", "items")]
    [InlineData("""{"items":null}""", "items")]
    [InlineData("""{"items":[]}""", "items")]
    [InlineData("""{"items":{}}""", "items")]
    [InlineData("""{"items":"a"}""", "items")]
    [InlineData("""{"items":[§],"more":1}""", "body")]
    [InlineData("""{"\ud800":1,"items":[§]}""", "body")]
    [InlineData("""{"items":[§],"items":[§]}""", "items")]
    [InlineData("""{"Items":[§]}""", "body")]
    [InlineData("""{"items":[§,]}""", "body")]
    [InlineData("""{"items":[§]""", "body")]
    [InlineData("""{"items":[§]} x""", "body")]
    [InlineData("""{"items":[§,{"type":"chat","title":"\x"}]}""", "body")]
    [InlineData("""{"items":[§,{"type":"chat","metadata":{"n":01}}]}""", "body")]
    public async Task Malformed_JSON_and_another_envelope_refuse_the_whole(string body, string path)
    {
        var acme = await app.Org("acme");

        (await Raw(acme, Encoding.UTF8.GetBytes(body.Replace("§", """{"type":"chat"}""", StringComparison.Ordinal)))).IsInvalid(path);

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task So_does_text_that_is_no_UTF_8_and_an_Idempotency_Key_for_the_whole()
    {
        var acme = await app.Org("acme");

        (await Raw(acme, [.. """{"items":[{"type":"chat"},{"type":"chat","title":"a"""u8, 0xff, .. "\"}]}"u8])).IsInvalid("body");
        (
            await Raw(acme, """{"items":[{"type":"chat"}]}"""u8.ToArray(), change: request => request.Headers.Add("Idempotency-Key", "k"))
        ).IsInvalid("idempotencyKey");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_thousand_items_are_taken_and_one_more_is_not()
    {
        var acme = await app.Org("acme");
        string Items(int count) => $"{{\"items\":[{string.Join(',', Enumerable.Repeat("""{"type":"chat"}""", count))}]}}";

        (await Raw(acme, Encoding.UTF8.GetBytes(Items(1_001)))).IsInvalid("items");
        Assert.Equal(0, await acme.Count("chats"));

        Assert.All(Statuses((await Raw(acme, Encoding.UTF8.GetBytes(Items(1_000)))).Is(207)), status => Assert.Equal(201, status));
        Assert.Equal(1_000, await acme.Count("chats"));
    }

    [Fact]
    public async Task It_may_come_compressed()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var body = $$"""{"items":[{"type":"message","chatId":"{{chat}}","role":"user","content":"é{{new string('a', 200_000)}}"}]}""";

        (await Zipped(acme, Zip(body))).Is(207).AllWritten();
        (await Raw(acme, Zip(body), "GZip")).Is(207).AllWritten();
        (await Raw(acme, Encoding.UTF8.GetBytes(body), "identity")).Is(207).AllWritten();

        Assert.Equal(3, await acme.Count("messages"));
        (await Raw(acme, Zip(body), "gzip", path: "/chats")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body), "br")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body), "gzip, gzip")).IsProblem(415, "unsupported-media-type");
        (await Raw(acme, Zip(body))).IsInvalid("body");
    }

    [Fact]
    public async Task Incomplete_and_malformed_gzip_is_refused()
    {
        var acme = await app.Org("acme");
        var whole = Zip("""{"items":[{"type":"chat"}]}""");
        var half = Zip("""{"items":[{"type":"chat"}""");

        foreach (
            var broken in new byte[][]
            {
                [],
                [0x1f, 0x8b],
                whole[..^1],
                whole[..^8],
                whole[..(whole.Length / 2)],
                [.. whole, 0],
                [.. whole, .. whole],
                [.. half, .. Zip("]}")],
                [.. whole[..^8], 0, 0, 0, 0, .. whole[^4..]],
                [.. whole[..12], (byte)~whole[12], .. whole[13..]],
                Encoding.UTF8.GetBytes("""{"items":[{"type":"chat"}]}"""),
                new byte[100],
            })
            (await Zipped(acme, broken)).IsInvalid("body");

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Four_MiB_are_taken_and_more_is_413_declared_chunked_and_unpacked()
    {
        var acme = await app.Org("acme");
        static byte[] Body(int bytes)
        {
            var body = """{"items":[{"type":"chat"}]"""u8.ToArray();
            return [.. body, .. Enumerable.Repeat((byte)' ', bytes - body.Length - 1), (byte)'}'];
        }

        (await Raw(acme, Body(4_194_304))).Is(207);
        (await Zipped(acme, Zip(Body(4_194_304)))).Is(207);
        // A client with Expect: 100-continue does not have to send the body.
        (await Raw(acme, Body(4_194_305), change: request => request.Headers.ExpectContinue = true)).IsProblem(413, "body-too-large");
        (await Raw(acme, Body(4_194_305), change: request => request.Headers.TransferEncodingChunked = true)).IsProblem(
            413,
            "body-too-large");
        (await Zipped(acme, Zip(Body(4_194_305)))).IsProblem(413, "body-too-large");
        Assert.Equal(2, await acme.Count("chats"));

        // A decompression bomb: 400 MiB in 400 KB. It may use memory only up to the limit at which it is refused.
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[4_194_304];
            for (var i = 0; i < 100; i++)
                gzip.Write(zeros);
        }
        var before = GC.GetTotalAllocatedBytes();
        (await Zipped(acme, bomb.ToArray())).IsProblem(413, "body-too-large");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 * 1_048_576);
    }

    private static Task<Answer> Zipped(Org org, byte[] body) => Raw(org, body, "gzip");

    private static byte[] Zip(string text) => Zip(Encoding.UTF8.GetBytes(text));

    private static byte[] Zip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return zipped.ToArray();
    }
}
