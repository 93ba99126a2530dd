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

    public IExportFile Begin(IBufferWriter<byte> output)
    {
        output.Write(
            "chatId,chatTitle,chatTags,userId,externalUserId,createdAt,updatedAt,messageCount,firstMessageAt,lastMessageAt,rating,metadata,transcript\r\n"u8);
        return new File(output);
    }

    private sealed class File(IBufferWriter<byte> output) : IExportFile
    {
        private bool _transcript;

        public void Chat(in ExportedChat chat)
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
            output.Cell(chat.CreatedAt);
            output.Comma();
            output.Cell(chat.UpdatedAt);
            output.Comma();
            output.Cell(chat.MessageCount);
            output.Comma();
            output.Cell(chat.FirstMessageAt);
            output.Comma();
            output.Cell(chat.LastMessageAt);
            output.Comma();
            output.Cell(chat.Feedback.Rating);
            output.Comma();
            output.Cell(chat.Metadata);
            output.Comma();
        }

        public void Message(in ExportedMessage message)
        {
            output.Write(_transcript ? "\n\n"u8 : "\""u8);
            _transcript = true;
            // It begins with a role, never like a formula.
            output.InsideQuotes(message.Role);
            output.Write(": "u8);
            output.InsideQuotes(message.Content);
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
