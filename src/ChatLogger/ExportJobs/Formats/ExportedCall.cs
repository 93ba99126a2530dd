using System.Text;
using System.Text.Json;

namespace ChatLogger.ExportJobs;

/// <summary>A call of a tool in <see cref="ExportedMessage.ToolCalls"/>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">The tool.</param>
/// <param name="Json">The arguments as stored: a JSON string or object.</param>
internal sealed record ExportedCall(string Id, string Name, byte[] Json)
{
    private bool IsText => Json[0] == (byte)'"';

    /// <summary>The arguments: the text if they are a string, else their JSON.</summary>
    public byte[] Arguments
    {
        get
        {
            if (!IsText)
                return Json;
            var reader = new Utf8JsonReader(Json);
            reader.Read();
            return Encoding.UTF8.GetBytes(reader.GetString()!);
        }
    }

    public static List<ExportedCall> Read(ReadOnlySpan<byte> toolCalls)
    {
        var calls = new List<ExportedCall>();
        var reader = new Utf8JsonReader(toolCalls, new JsonReaderOptions { MaxDepth = int.MaxValue });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var (id, name, json) = ("", "", Array.Empty<byte>());
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isId, isName) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("name"u8));
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (isId)
                    id = reader.GetString()!;
                else if (isName)
                    name = reader.GetString()!;
                reader.Skip();
                if (!isId && !isName)
                    json = toolCalls[start..(int)reader.BytesConsumed].ToArray();
            }
            calls.Add(new(id, name, json));
        }
        return calls;
    }
}
