using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary><c>json</c>: one array of chats, each with its messages, in the shapes of the API.</summary>
internal sealed class JsonFormat : IExportFormat
{
    public string Name => "json";

    public string ContentType => "application/json";

    public string FileExtension => "json";

    public IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style)
    {
        output.Byte((byte)'[');
        return new JsonChatWriter(output, between: ",\n"u8, after: ""u8, end: "]"u8);
    }
}

/// <summary><c>jsonl</c>: the same chats, one per line.</summary>
internal sealed class JsonLinesFormat : IExportFormat
{
    public string Name => "jsonl";

    public string ContentType => "application/jsonl";

    public string FileExtension => "jsonl";

    public IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style) =>
        new JsonChatWriter(output, between: ""u8, after: "\n"u8, end: ""u8);
}

/// <summary>Writes the chats of both formats.</summary>
internal sealed class JsonChatWriter(
    IBufferWriter<byte> output, ReadOnlySpan<byte> between, ReadOnlySpan<byte> after, ReadOnlySpan<byte> end) : IExportRowWriter
{
    private readonly byte[] _between = between.ToArray();
    private readonly byte[] _after = after.ToArray();
    private readonly byte[] _end = end.ToArray();
    private bool _chats;
    private bool _messages;

    public bool Chat(in ExportedChat chat)
    {
        if (_chats)
            output.Write(_between);
        _chats = true;
        _messages = false;
        output.Write("{\"id\":"u8);
        output.JsonId(chat.Id);
        output.Write(",\"externalId\":"u8);
        output.JsonStringOrNull(chat.ExternalId);
        output.Write(",\"title\":"u8);
        output.JsonStringOrNull(chat.Title);
        output.Write(",\"tags\":"u8);
        output.Json(chat.Tags);
        output.Write(",\"metadata\":"u8);
        output.Json(chat.Metadata);
        output.Write(",\"userId\":"u8);
        output.JsonId(chat.UserId);
        output.Write(",\"externalUserId\":"u8);
        output.JsonStringOrNull(chat.ExternalUserId);
        output.Write(",\"createdAt\":"u8);
        output.JsonTime(chat.CreatedAt);
        output.Write(",\"updatedAt\":"u8);
        output.JsonTime(chat.UpdatedAt);
        output.Write(",\"feedback\":"u8);
        output.JsonFeedback(chat.Feedback);
        output.Write(",\"messages\":["u8);
        return true;
    }

    public bool Message(in ExportedMessage message)
    {
        output.Write(_messages ? ",{\"id\":"u8 : "{\"id\":"u8);
        _messages = true;
        output.JsonId(message.Id);
        output.Write(",\"chatId\":"u8);
        output.JsonId(message.ChatId);
        output.Write(",\"role\":"u8);
        output.JsonString(message.Role);
        output.Write(",\"content\":"u8);
        output.JsonStringOrNull(message.Content);
        // Most messages have none of these.
        if (message.Parts.IsEmpty && message.ToolCalls.IsEmpty && message.ToolCallId.IsEmpty && message.Name.IsEmpty)
        {
            output.Write(",\"parts\":null,\"toolCalls\":null,\"toolCallId\":null,\"name\":null"u8);
        }
        else
        {
            output.Write(",\"parts\":"u8);
            output.JsonOrNull(message.Parts);
            output.Write(",\"toolCalls\":"u8);
            output.JsonOrNull(message.ToolCalls);
            output.Write(",\"toolCallId\":"u8);
            output.JsonStringOrNull(message.ToolCallId);
            output.Write(",\"name\":"u8);
            output.JsonStringOrNull(message.Name);
        }
        output.Write(",\"metadata\":"u8);
        output.Json(message.Metadata);
        output.Write(",\"latencyMs\":"u8);
        output.JsonNumberOrNull(message.LatencyMs);
        output.Write(",\"tokenCount\":"u8);
        output.JsonNumberOrNull(message.TokenCount);
        output.Write(",\"promptTokens\":"u8);
        output.JsonNumberOrNull(message.PromptTokens);
        output.Write(",\"completionTokens\":"u8);
        output.JsonNumberOrNull(message.CompletionTokens);
        output.Write(",\"model\":"u8);
        output.JsonStringOrNull(message.Model);
        output.Write(",\"createdAt\":"u8);
        output.JsonTime(message.CreatedAt);
        output.Write(",\"feedback\":"u8);
        output.JsonFeedback(message.Feedback);
        output.Byte((byte)'}');
        return true;
    }

    public void EndChat()
    {
        output.Write("]}"u8);
        output.Write(_after);
    }

    public void End() => output.Write(_end);
}
