using System.Buffers;

namespace ChatLogger.Features;

/// <summary>
/// <c>csv</c>, a row per chat: what it is, how many messages it has and from when to when, and all of them in one cell, as <c>role: content</c>
/// with an empty line in between. The transcript is the last cell, for it is streamed however long it is.
/// </summary>
internal sealed class CsvChatsFormat : IExportFormat
{
    public string Name => "csv";

    public string? Layout => "chats";

    public string ContentType => "text/csv; charset=utf-8; header=present";

    public string FileExtension => "csv";

    public bool NeedsTotals => true;

    public IExportFile Begin(IBufferWriter<byte> output, ExportStyle style)
    {
        output.Header(
            style,
            "chatId,chatTitle,chatTags,userId,externalUserId,createdAt,updatedAt,messageCount,firstMessageAt,lastMessageAt,rating,metadata,transcript"u8);
        return new File(output, new(style.LocalTimes));
    }

    private sealed class File(IBufferWriter<byte> output, CsvTimes times) : IExportFile
    {
        private bool _transcript;

        public bool Chat(in ExportedChat chat)
        {
            _transcript = false;
            output.Cell(chat.Id);
            output.Comma();
            output.Cell(chat.Title);
            output.Comma();
            output.Cell(chat.Tags);
            output.Comma();
            output.Cell(chat.UserId);
            output.Comma();
            output.Cell(chat.ExternalUserId);
            output.Comma();
            times.Cell(output, chat.CreatedAt);
            output.Comma();
            times.Cell(output, chat.UpdatedAt);
            output.Comma();
            output.Cell(chat.MessageCount);
            output.Comma();
            times.Cell(output, chat.FirstMessageAt);
            output.Comma();
            times.Cell(output, chat.LastMessageAt);
            output.Comma();
            output.Cell(chat.Feedback.Rating);
            output.Comma();
            output.Cell(chat.Metadata);
            output.Comma();
            return true;
        }

        public bool Message(in ExportedMessage message)
        {
            output.Write(_transcript ? "\n\n"u8 : "\""u8);
            _transcript = true;
            // It begins with a role, never like a formula.
            output.InsideQuotes(message.Role);
            output.Write(": "u8);
            output.InsideQuotes(message.Content);
            return true;
        }

        public void EndChat()
        {
            if (_transcript)
                output.Byte((byte)'"');
            output.EndRow();
        }

        public void End()
        {
        }
    }
}
