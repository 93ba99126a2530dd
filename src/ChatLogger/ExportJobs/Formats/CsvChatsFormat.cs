using System.Buffers;
using System.Text;

namespace ChatLogger.ExportJobs;

/// <summary>
/// <c>csv</c> with a row per chat: its fields, the number of its messages, the times of the first and the last, and a transcript in one
/// cell, as <c>role: text</c> with empty lines in between; calls of tools follow the text, as <c>name(arguments)</c> on a line each. The
/// transcript is streamed, however long it is.
/// </summary>
internal sealed class CsvChatsFormat : CsvFormat
{
    public override string? Layout => "chats";

    public override bool NeedsTotals => true;

    protected override string[] Columns { get; } =
    [
        "chatId", "chatTitle", "chatTags", "userId", "externalUserId", "createdAt", "updatedAt", "messageCount", "firstMessageAt",
        "lastMessageAt", "rating", "metadata", "transcript", "externalId"
    ];

    protected override IExportRowWriter Begin(IBufferWriter<byte> output, CsvRows rows) => new RowWriter(output, rows);

    private sealed class RowWriter(IBufferWriter<byte> output, CsvRows rows) : IExportRowWriter
    {
        private readonly ArrayBufferWriter<byte> _text = new(1024);
        private readonly ArrayBufferWriter<byte> _externalId = new(64);
        private bool _transcript;

        public bool Chat(in ExportedChat chat)
        {
            _transcript = false;
            _externalId.ResetWrittenCount();
            _externalId.Write(chat.ExternalId);
            rows.Cell(chat.Id);
            rows.Cell(chat.Title);
            rows.Cell(chat.Tags);
            rows.Cell(chat.UserId);
            rows.Cell(chat.ExternalUserId);
            rows.Cell(chat.CreatedAt);
            rows.Cell(chat.UpdatedAt);
            rows.Cell(chat.MessageCount);
            rows.Cell(chat.FirstMessageAt);
            rows.Cell(chat.LastMessageAt);
            rows.Cell(chat.Feedback.Rating);
            rows.Cell(chat.Metadata);
            // The row writer buffers a cell until it is complete. So it gets an empty cell here, and the transcript goes straight to the
            // output.
            rows.Cell([]);
            rows.Flush();
            return true;
        }

        public bool Message(in ExportedMessage message)
        {
            output.Write(_transcript ? "\n\n"u8 : "\""u8);
            _transcript = true;
            // The transcript begins with a role, so it cannot be taken for a formula.
            InsideQuotes(message.Role);
            output.Write(": "u8);
            var text = message.Text(_text);
            InsideQuotes(text);
            if (!message.ToolCalls.IsEmpty)
                ToolCalls(message.ToolCalls, onNextLine: !text.IsEmpty);
            return true;
        }

        public void EndChat()
        {
            if (_transcript)
                output.Byte((byte)'"');
            rows.Cell(_externalId.WrittenSpan);
            rows.EndRow();
        }

        public void End() => rows.Dispose();

        private void ToolCalls(ReadOnlySpan<byte> toolCalls, bool onNextLine)
        {
            foreach (var call in ExportedCall.Read(toolCalls))
            {
                if (onNextLine)
                    output.Byte((byte)'\n');
                onNextLine = true;
                InsideQuotes(Encoding.UTF8.GetBytes(call.Name));
                output.Byte((byte)'(');
                InsideQuotes(call.Arguments);
                output.Byte((byte)')');
            }
        }

        private void InsideQuotes(ReadOnlySpan<byte> text)
        {
            for (var quote = text.IndexOf((byte)'"'); quote >= 0; quote = text.IndexOf((byte)'"'))
            {
                output.Write(text[..(quote + 1)]);
                output.Byte((byte)'"');
                text = text[(quote + 1)..];
            }
            output.Write(text);
        }
    }
}
