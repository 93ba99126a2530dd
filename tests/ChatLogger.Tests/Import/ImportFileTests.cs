using System.IO.Compression;
using System.Text;
using ChatLogger.Import;

namespace ChatLogger.Tests.Import;

/// <summary>Reading alone: recognition, malformed places, and memory.</summary>
public class ImportFileTests
{
    [Theory]
    [InlineData("""{"id":"x","externalId":null,"title":null,"tags":[],"metadata":{},"externalUserId":null,"messages":[]}""", "jsonl")]
    [InlineData("""[{"id":"x","title":null,"tags":[],"externalUserId":null,"messages":[]}]""", "json")]
    [InlineData("[]", "json")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "openai-jsonl")]
    [InlineData("""[{"title":"x","create_time":1,"mapping":{}}]""", "chatgpt")]
    [InlineData("{\n \"conversationId\": \"x\",\n \"endpoint\": \"openAI\",\n \"messages\": []\n}", "librechat")]
    [InlineData("""[{"id":"x","user_id":"u","title":"t","chat":{"messages":[]}}]""", "open-webui")]
    [InlineData("""{"conversations":[{"from":"human","value":"Hi"}]}""", "sharegpt")]
    [InlineData("""{"data":[{"id":"t","timestamp":"2024-05-01T10:00:00Z"}],"meta":{}}""", "langfuse")]
    [InlineData("{\n \"trace\": {\"id\":\"t\"},\n \"observations\": []\n}", "langfuse")]
    [InlineData("\uFEFF1/2/24, 9:05 - Ann: Hi", "whatsapp")]
    [InlineData("[01.02.24, 09:05:07] Ann: Hi", "whatsapp")]
    [InlineData("chat,role,content\n1,user,Hi", "csv")]
    [InlineData("""{"conversationId":"x","messages":[]}""", "conversations")]
    public async Task A_format_is_recognized(string text, string format)
    {
        await using var file = Open(text);
        var entries = await file.Read().ToListAsync();

        Assert.Equal(format, file.Format);
        Assert.All(entries, entry => Assert.Null(entry.Error));
    }

    [Theory]
    [InlineData("Dear diary,", "not recognized")]
    [InlineData("""{"a":1}""", "not recognized")]
    [InlineData("PK\u0003\u0004", "ZIP")]
    [InlineData("chatId,title,tags,transcript\n1,Hi,[],user: Hi", "layout messages")]
    [InlineData("chatId,role\n1,user", "--columns chat=…,content=…")]
    public async Task A_file_that_is_none_of_them_is_refused_in_a_sentence(string text, string sentence)
    {
        var refused = await Assert.ThrowsAsync<ImportException>(async () => await Open(text).Read().ToListAsync());

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """
        {"conversationId":"x","endpoint":"openAI","messages":[{"messageId":"1","parentMessageId":null,"sender":"User","text":"Q"},
        {"messageId":"2","parentMessageId":"1","text":"A","createdAt":"2024-05-01T10:00:00Z"},
        {"messageId":"3","parentMessageId":"1","text":"B","createdAt":"2024-05-01T10:00:01Z"}]}
        """)]
    [InlineData(
        """
        [{"id":"x","chat":{"history":{"currentId":"3","messages":{"1":{"parentId":null,"role":"user","content":"Q"},
        "2":{"parentId":"1","role":"assistant","content":"A"},"3":{"parentId":"1","role":"assistant","content":"B"}}}}}]
        """)]
    public async Task Branches_are_the_latest_one_or_chats_of_their_own(string text)
    {
        async Task<List<ImportedConversation>> Read(Branches branches) =>
            await new ImportFile(new MemoryStream(Encoding.UTF8.GetBytes(text)), "x", new() { Branches = branches }).Read()
                .Select(entry => entry.Conversation!).ToListAsync();

        var (latest, all) = (Assert.Single(await Read(Branches.Latest)), await Read(Branches.All));

        Assert.Equal(["Q", "B"], latest.Messages.Select(message => message.Content));
        Assert.Equal(["Q A", "Q B"], all.Select(branch => string.Join(' ', branch.Messages.Select(message => message.Content))).Order());
        Assert.Equal(2, all.Select(branch => branch.ExternalId).Distinct().Count());
        // The branch that is imported without the others is the same chat when they follow.
        Assert.Contains(latest.ExternalId, all.Select(branch => branch.ExternalId));
    }

    [Fact]
    public async Task Elements_of_an_array_that_are_malformed_are_named_and_the_next_ones_are_read()
    {
        const string Good = """{"id":"a","title":"[\"}\\","externalUserId":null,"messages":[{"role":"user","content":"Hi"}]}""";

        var entries = await Open($"[{Good},\n{{\"id\": oops}},\n 17, null,\n{{\"id\":\"b\"}},{Good}]").Read().ToListAsync();

        Assert.Equal([null, "not JSON", "not a JSON object", "not a JSON object", "messages is not an array", null],
            entries.Select(entry => entry.Error?.Split(',')[0]));
        Assert.Equal(["item 1", "item 2", "item 3", "item 4", "item 5", "item 6"], entries.Select(entry => entry.Where));
    }

    [Fact]
    public async Task A_file_that_was_cut_off_says_so()
    {
        var array = await Open("""[{"id":"a","externalUserId":null,"messages":[]},""").Read().ToListAsync();
        var packed = await new ImportFile(new MemoryStream(Gzip(Big())[..5000]), "x.jsonl.gz").Read().ToListAsync();

        Assert.True(array[^1].IsEnd);
        Assert.Contains("no end", array[^1].Error, StringComparison.Ordinal);
        Assert.True(packed.Count > 1);
        Assert.NotNull(packed[^1].Error);
        Assert.All(packed.SkipLast(1), entry => Assert.NotNull(entry.Conversation));
    }

    [Fact]
    public async Task Rows_of_a_table_that_stand_apart_or_are_malformed_are_named()
    {
        const string Rows =
            "chat,role,content,createdAt\n1,user,Hi,2024-01-01 10:00\n1,user,Ho,yesterday\n2,user,\"x\n\"\"\",\n1,user,again,\n";

        var entries = await Open(Rows).Read().ToListAsync();

        Assert.Equal(
            [
                "line 3: createdAt is not a time", "line 2: Hi", "line 4: x\n\"",
                "line 6: rows of this chat stand elsewhere, too; sort the file by chat",
            ],
            entries.Select(entry => $"{entry.Where}: {entry.Error ?? entry.Conversation!.Messages[0].Content}"));
    }

    [Fact]
    public async Task A_long_conversation_comes_in_pieces_that_continue_each_other()
    {
        var lines = Enumerable.Range(0, 1234).Select(n => $"1/2/24, {n / 60 % 24:D2}:{n % 60:D2} - Ann: {n}");

        var entries = await Open(string.Join('\n', lines)).Read().ToListAsync();

        var pieces = entries.Select(entry => entry.Conversation!).ToList();
        Assert.Equal([(0, 500, true), (500, 500, true), (1000, 234, false)],
            pieces.Select(piece => (piece.From, piece.Messages.Count, piece.Continues)));
        Assert.Single(pieces.Select(piece => piece.ExternalId).Distinct());
        Assert.Equal(
            Enumerable.Range(0, 1234).Select(n => $"{n}"), pieces.SelectMany(piece => piece.Messages).Select(message => message.Content));
    }

    [Fact]
    public async Task Every_reading_gives_the_same_ids_and_equal_lines_have_ids_of_their_own()
    {
        const string Line = """{"messages":[{"role":"user","content":"Hi"}]}""";

        var ids = (await Open($"{Line}\n{Line}\n").Read().ToListAsync()).Select(entry => entry.Conversation!.ExternalId).ToList();

        Assert.Equal(2, ids.Distinct().Count());
        Assert.Equal(ids, (await Open($"{Line}\n{Line}\n").Read().ToListAsync()).Select(entry => entry.Conversation!.ExternalId));
        Assert.All(ids, id => Assert.Matches("^import:openai-jsonl:[0-9a-f]{64}$", id));
    }

    /// <summary>64 MB of conversations, made while they are read: what is alive does not grow with them.</summary>
    [Theory]
    [InlineData("[", ",\n", "]")]
    [InlineData("", "\n", "")]
    public async Task A_file_of_any_size_is_read_in_constant_memory(string begin, string between, string end)
    {
        var one = Encoding.UTF8.GetBytes(
            $$"""{"id":"a","externalUserId":null,"messages":[{"role":"user","content":"{{new string('x', 4000)}}"}]}{{between}}""");
        var source = new Repeated(Encoding.UTF8.GetBytes(begin), one, 16_000, Encoding.UTF8.GetBytes(end));
        await using var file = new ImportFile(source, "big.json");
        var (count, most) = (0, 0L);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await foreach (var entry in file.Read())
        {
            Assert.Equal(4000, entry.Conversation!.Messages[0].Content!.Length);
            if (++count % 4_000 == 0)
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.Equal(16_000, count);
        // Other tests run in this process, so this is far above the few hundred kilobytes that it is, and far below the file.
        Assert.InRange(most, long.MinValue, 32_000_000);
    }

    private static ImportFile Open(string text) => new(new MemoryStream(Encoding.UTF8.GetBytes(text)), "file");

    private static string Big() => string.Concat(Enumerable.Range(0, 3000).Select(
        n => $$"""{"conversationId":"{{n}}","messages":[{"role":"user","content":"{{Guid.NewGuid()}}"}]}""" + "\n"));

    private static byte[] Gzip(string text)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    /// <summary>A beginning, a middle many times, and an end.</summary>
    private sealed class Repeated(byte[] begin, byte[] middle, int times, byte[] end) : MemoryStream
    {
        private int _round = -1;
        private int _at;

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var current = _round < 0 ? begin : _round < times ? middle : end;
            while (_at == current.Length && _round < times)
            {
                (_round, _at) = (_round + 1, 0);
                current = _round < times ? middle : end;
            }
            // The last one has no separator after it, or a line end that does no harm.
            var count = Math.Min(buffer.Length, current.Length - _at);
            current.AsMemory(_at, count).CopyTo(buffer);
            _at += count;
            return ValueTask.FromResult(count);
        }
    }
}
