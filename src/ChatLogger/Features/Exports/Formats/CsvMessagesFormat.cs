using System.Buffers;

namespace ChatLogger.Features;

/// <summary><c>csv</c>, a row per message. The tags are one cell with a JSON array: no other separator survives every tag.</summary>
internal sealed class CsvMessagesFormat : IExportFormat
{
    public string Name => "csv";

    public string? Layout => "messages";

    public string ContentType => "text/csv; charset=utf-8; header=present";

    public string FileExtension => "csv";

    public bool CountsMessages => true;

    public IExportFile Begin(IBufferWriter<byte> output, ExportStyle style)
    {
        output.Header(
            style,
            "chatId,chatTitle,chatTags,userId,externalUserId,chatCreatedAt,messageId,role,content,model,latencyMs,tokenCount,promptTokens,completionTokens,metadata,rating,createdAt"u8);
        return new File(output, new(style.LocalTimes));
    }

    private sealed class File(IBufferWriter<byte> output, CsvTimes times) : IExportFile
    {
        // The cells of the chat, which begin the row of each of its messages.
        private readonly ArrayBufferWriter<byte> _chat = new(1024);

        public bool Chat(in ExportedChat chat)
        {
            _chat.ResetWrittenCount();
            _chat.Cell(chat.Id);
            _chat.Comma();
            _chat.Cell(chat.Title);
            _chat.Comma();
            _chat.Cell(chat.Tags);
            _chat.Comma();
            _chat.Cell(chat.UserId);
            _chat.Comma();
            _chat.Cell(chat.ExternalUserId);
            _chat.Comma();
            times.Cell(_chat, chat.CreatedAt);
            _chat.Comma();
            return true;
        }

        public bool Message(in ExportedMessage message)
        {
            output.Write(_chat.WrittenSpan);
            output.Cell(message.Id);
            output.Comma();
            output.Cell(message.Role);
            output.Comma();
            output.Cell(message.Content);
            output.Comma();
            output.Cell(message.Model);
            output.Comma();
            output.Cell(message.LatencyMs);
            output.Comma();
            output.Cell(message.TokenCount);
            output.Comma();
            output.Cell(message.PromptTokens);
            output.Comma();
            output.Cell(message.CompletionTokens);
            output.Comma();
            output.Cell(message.Metadata);
            output.Comma();
            output.Cell(message.Feedback.Rating);
            output.Comma();
            times.Cell(output, message.CreatedAt);
            output.EndRow();
            return true;
        }

        public void EndChat()
        {
        }

        public void End()
        {
        }
    }
}
