using System.IO.Compression;
using System.Text;
using ChatLogger.Bench;
using ChatLogger.Import;

namespace ChatLogger.Tests.Bench;

public class ConversationFileTests
{
    private const string Good = """{"conversationId":"c1","messages":[{"role":"user","content":"Hi"}]}""";

    [Fact]
    public async Task A_line_becomes_a_conversation()
    {
        var line = Assert.Single(
            await Read(
                """
                {"conversationId":"c1","vertical":" Coffee ","scenario":"Order","messages":[{"role":"user","content":"Größe?","metadata":{"n":1.50}},{"role":"tool","content":"L"}]}
                """
            ));

        var conversation = line.Conversation!;
        Assert.Equal(("c1", "Order", 2), (conversation.Id, conversation.Title, conversation.Messages.Count));
        Assert.Equal(["Coffee"], conversation.Tags);
        Assert.Equal("Größe?", conversation.Messages[0].Content);
        Assert.Equal("""{"n":1.50}""", conversation.Messages[0].Metadata.GetRawText());
    }

    [Fact]
    public async Task Gzip_is_read_like_plain_text_and_so_are_two_gzip_files_joined()
    {
        var joined = Gzip(Good + "\n").Concat(Gzip(Good)).ToArray();

        var lines = await Read(joined);

        Assert.Equal([1, 2], lines.Select(line => line.Number));
        Assert.All(lines, line => Assert.Equal("c1", line.Conversation!.Id));
    }

    [Fact]
    public async Task A_gzip_file_that_was_cut_off_ends_with_an_error()
    {
        var many = string.Concat(
            Enumerable.Range(0, 5000).Select(n => Good.Replace("Hi", Guid.NewGuid().ToString(), StringComparison.Ordinal) + "\n"));
        var whole = Gzip(many);

        var lines = await Read(whole[..(whole.Length / 2)]);

        Assert.NotNull(lines[^1].Error);
    }

    [Fact]
    public async Task A_damaged_gzip_file_says_that_it_cannot_be_read_further()
    {
        var damaged = Gzip(string.Join('\n', Enumerable.Repeat(Good, 5000)));
        damaged[^8] ^= 1;

        var lines = await Read(damaged);

        Assert.Contains("cannot be read further", lines[^1].Error, StringComparison.Ordinal);
        Assert.All(lines.SkipLast(1), line => Assert.NotNull(line.Conversation));
    }

    [Fact]
    public async Task Empty_lines_count_as_lines_but_are_no_conversations()
    {
        var lines = await Read($"\uFEFF{Good}\r\n\n  \t\r\n{Good}");

        Assert.Equal([1, 4], lines.Select(line => line.Number));
        Assert.All(lines, line => Assert.Null(line.Error));
    }

    [Theory]
    [InlineData("{", "not JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("""{"messages":[]}""", "conversationId is missing")]
    [InlineData("""{"conversationId":7,"messages":[]}""", "conversationId is not a string")]
    [InlineData("""{"conversationId":"c"}""", "messages is not an array")]
    [InlineData("""{"conversationId":"c","messages":[1]}""", "messages[0] is not an object")]
    [InlineData("""{"conversationId":"c","messages":[{"role":"user"}]}""", "messages[0].content is missing")]
    [InlineData("""{"conversationId":"c","conversationId":"d","messages":[]}""", "stands twice")]
    [InlineData("""{"conversationId":"c","messages":[{"role":"user","content":"\ud800"}]}""", "half a surrogate pair")]
    [InlineData("""{"conversationId":"c","messages":[{"role":"user","content":"a","metadata":{"k":"\ud800"}}]}""", "half a surrogate pair")]
    public async Task A_malformed_line_is_named_and_the_others_go_on(string malformed, string reason)
    {
        var lines = await Read($"{Good}\n{malformed}\n{Good}\n");

        Assert.Equal([1, 2, 3], lines.Select(line => line.Number));
        Assert.Contains(reason, lines[1].Error, StringComparison.Ordinal);
        Assert.NotNull(lines[2].Conversation);
    }

    [Fact]
    public async Task Bytes_that_are_no_utf8_are_a_malformed_line()
    {
        var lines = await Read([.. Encoding.UTF8.GetBytes(Good), (byte)'\n', 0x22, 0xC3, 0x28, 0x22, (byte)'\n']);

        Assert.Equal("not valid UTF-8", lines[1].Error);
    }

    [Fact]
    public async Task A_limit_ends_the_file_early()
    {
        await using var file = new ConversationFile(new MemoryStream(Encoding.UTF8.GetBytes($"{Good}\n{Good}\n{Good}\n")), limit: 2);

        Assert.Equal(2, await file.Read().CountAsync());
    }

    [Fact]
    public async Task A_long_line_in_small_pieces_stays_one_line()
    {
        var content = new string('x', 300_000);
        var text = Good.Replace("Hi", content, StringComparison.Ordinal) + "\n" + Good;

        var lines = await Read(Gzip(text));

        Assert.Equal(content, lines[0].Conversation!.Messages[0].Content);
        Assert.NotNull(lines[1].Conversation);
    }

    [Fact]
    public async Task A_title_is_cut_between_code_points()
    {
        var scenario = string.Concat(Enumerable.Repeat("😀", 201));

        var line = Assert.Single(await Read($$"""{"conversationId":"c","scenario":"{{scenario}}","messages":[]}"""));

        var conversation = line.Conversation!;
        Assert.Equal(string.Concat(Enumerable.Repeat("😀", 200)), conversation.Title);
        Assert.Empty(conversation.Tags);
    }

    private static Task<List<FileEntry>> Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    private static async Task<List<FileEntry>> Read(byte[] bytes)
    {
        await using var file = new ConversationFile(new MemoryStream(bytes));
        return await file.Read().ToListAsync();
    }

    private static byte[] Gzip(string text)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }
}
