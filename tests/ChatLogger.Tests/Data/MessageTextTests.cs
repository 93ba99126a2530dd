using System.Text;
using ChatLogger.Data;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Data;

public class MessageTextTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("hello", null, "hello")]
    [InlineData("hello", """[{"type":"text","text":"not this"}]""", "hello")]
    [InlineData(" ", """[{"type":"text","text":"not this"}]""", " ")]
    [InlineData("", """[{"type":"text","text":"one"},{"type":"text","text":"two"}]""", "one\n\ntwo")]
    [InlineData("", """[{"type":"reasoning","text":"aloud"},{"type":"image_url","image_url":{"url":"u","text":"no"}}]""", "aloud")]
    [InlineData("", """[{"type":"text","content":"of a part"},{"content":"before","type":"text"}]""", "of a part\n\nbefore")]
    [InlineData("", """[{"type":"text","text":"a","content":"b"},{"type":"other","content":"c"}]""", "a")]
    [InlineData("", """[{"type":"text","text":{"value":"deep"},"content":"beside"},{"type":"text","text":["x"]}]""", "beside")]
    [InlineData("", """[{"type":"text","text":""},{"type":"text","text":"","content":"no"},{"type":"text","text":"z"}]""", "z")]
    [InlineData("", """[{"type":"te\u0078t","t\u0065xt":"line\n\"\u00e9\" \ud83d\ude00"}]""", "line\n\"é\" 😀")]
    [InlineData("", """[{"type":"image_url"}]""", "")]
    [InlineData("", """[]""", "")]
    [InlineData("", null, "")]
    public async Task The_text_of_a_message_is_its_content_or_else_the_text_of_its_parts(string content, string? parts, string text)
    {
        Assert.Equal(text, MessageText.Of(content, Encoding.UTF8.GetBytes(parts ?? "")));

        await using var command = app.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            $"select {MessageText.Sql} from (values ($1::text, $2::json)) m(content, parts)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = content });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)parts ?? DBNull.Value });
        Assert.Equal(text, await command.ExecuteScalarAsync() as string ?? "");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("""[{"id":"c1","name":"now","arguments":""}]""", "now\n")]
    [InlineData("""[{"id":"c1","name":"find","arguments":"{\"city\":\"Zürich\"}"}]""", "find\n{\"city\":\"Zürich\"}")]
    [InlineData(
        """[{"id":"c1","name":"a","arguments":{"x":"1","y":[2.50,{"id":"inner"}],"z":true}},{"arguments":{},"name":"b","id":"c"}]""",
        "a\n1\n2.50\ninner\nb")]
    public void The_text_of_tool_calls_is_their_names_and_the_values_of_their_arguments(string toolCalls, string text) =>
        Assert.Equal(text, MessageText.OfToolCalls(Encoding.UTF8.GetBytes(toolCalls)));
}
