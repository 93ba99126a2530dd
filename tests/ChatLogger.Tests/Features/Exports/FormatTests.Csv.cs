namespace ChatLogger.Tests.Features.Exports;

public partial class FormatTests
{
    private const string MessageColumns =
        "chatId,chatTitle,chatTags,userId,externalUserId,chatCreatedAt,messageId,role,content,model,"
            + "latencyMs,tokenCount,promptTokens,completionTokens,metadata,rating,createdAt,name,toolCallId,toolCalls,parts";

    private const string ChatColumns =
        "chatId,chatTitle,chatTags,userId,externalUserId,createdAt,updatedAt,messageCount,"
            + "firstMessageAt,lastMessageAt,rating,metadata,transcript,externalId";

    [Fact]
    public async Task Csv_of_messages_has_exactly_its_columns()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("user");
        var chat = await acme.InsertChat("Order", ["a,b", "c\"d"], user: member.Id, visitor: "v-1");
        var message = await acme.InsertMessage(chat, "Hi", "assistant", """{"k":1}""", "gpt-5", 7);
        await acme.Rate(chat, message, "down", "no");

        Assert.Equal(
            $"{MessageColumns}\r\n{chat},Order,\"[\"\"a,b\"\",\"\"c\\\"\"d\"\"]\",{member.Id},v-1,2026-03-01T08:00:00.120Z,"
                + $"{message},assistant,Hi,gpt-5,7,8,9,10,\"{{\"\"k\"\":1}}\",down,2026-03-01T08:00:00.120Z,,,,\r\n",
            (await Exported.Of(acme, "csv")).Text);
    }

    [Theory]
    [InlineData("plain, but for a comma", "\"plain, but for a comma\"")]
    [InlineData("it's plain", "it's plain")]
    [InlineData("a;b", "\"a;b\"")]
    [InlineData("a\tb", "\"a\tb\"")]
    [InlineData("a\rb", "\"a\rb\"")]
    [InlineData(" a", "\" a\"")]
    [InlineData("a ", "\"a \"")]
    [InlineData("a b", "a b")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("=1", "'=1")]
    [InlineData("＝1", "'＝1")]
    [InlineData("-1 ", "\"'-1 \"")]
    [InlineData("=\"a\";b", "\"'=\"\"a\"\";b\"")]
    [InlineData("\ttab", "\"'\ttab\"")]
    [InlineData("\nline", "\"'\nline\"")]
    public async Task Csv_quotes_only_the_cells_that_need_it(string text, string cell)
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat("Order");
        await acme.InsertMessage(chat, text);

        Assert.Contains($",user,{cell},", (await Exported.Of(acme, "csv")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Csv_of_chats_counts_and_quotes_the_whole_conversation()
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat("Order");
        await acme.InsertMessage(chat, "Hi, \"you\"");
        await acme.InsertMessage(chat, "=Yes?", "assistant", at: Rows.Morning.AddHours(1));
        await acme.Rate(chat, chat, "up");

        Assert.Equal(
            $"{ChatColumns}\r\n"
                + $"{chat},Order,[],,,2026-03-01T08:00:00.120Z,2026-03-01T08:00:00.120Z,2,2026-03-01T08:00:00.120Z,"
                + $"2026-03-01T09:00:00.120Z,up,{{}},\"user: Hi, \"\"you\"\"\n\nassistant: =Yes?\",\r\n",
            (await Exported.Of(acme, "csv", "chats")).Text);
    }
}
