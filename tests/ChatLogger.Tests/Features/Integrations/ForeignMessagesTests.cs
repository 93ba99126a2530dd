using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Tests.Features.Integrations;

public class ForeignMessagesTests
{
    [Theory]
    [InlineData("""  "" """, null)]
    [InlineData("""  " " """, null)]
    [InlineData("""  "[" """, null)]
    [InlineData("""  "hello [1]" """, null)]
    [InlineData("""  "{not JSON}" """, null)]
    [InlineData("""  "\n\t text" """, null)]
    [InlineData("""  "\u0022quoted\u0022" """, null)]
    [InlineData("""  "{}" """, "{}")]
    [InlineData("""  "\n {\"a\":\"\\u00e9\\n\"}" """, """{"a":"\u00e9\n"}""")]
    [InlineData("""  "\u005b1,\u00202]" """, "[1, 2]")]
    [InlineData("""  " [\"\ud83d\ude00 é\"]" """, """["😀 é"]""")]
    public void JSON_in_a_string_is_the_same_whether_it_is_read_from_the_string_or_from_JSON(string json, string? expected)
    {
        var text = JsonElement.Parse(json);

        Assert.Equal(expected, ForeignMessages.Parsed(text)?.GetRawText());
        Assert.Equal(expected, ForeignMessages.Parsed(text.GetString()!)?.GetRawText());
    }
}
