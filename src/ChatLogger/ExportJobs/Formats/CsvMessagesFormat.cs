using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary><c>csv</c> with a row per message. The tags are one cell with a JSON array, because a tag may contain any separator.</summary>
internal sealed class CsvMessagesFormat : CsvFormat
{
    public override string? Layout => "messages";

    public override bool CountsMessages => true;

    protected override string[] Columns { get; } =
    [
        "chatId", "chatTitle", "chatTags", "userId", "externalUserId", "chatCreatedAt", "messageId", "role", "content", "model",
        "latencyMs", "tokenCount", "promptTokens", "completionTokens", "metadata", "rating", "createdAt", "name", "toolCallId",
        "toolCalls", "parts"
    ];

    protected override IExportRowWriter Begin(IBufferWriter<byte> output, CsvRows rows) => new RowWriter(rows);

    private sealed class RowWriter(CsvRows rows) : IExportRowWriter
    {
        // The fields of the chat, which begin the row of each of its messages: the texts concatenated, and the other values.
        private readonly ArrayBufferWriter<byte> _texts = new(1024);
        private readonly ArrayBufferWriter<byte> _text = new(1024);
        private System.Range _title;
        private System.Range _tags;
        private System.Range _externalUserId;
        private Guid _id;
        private Guid? _userId;
        private DateTime _createdAt;

        public bool Chat(in ExportedChat chat)
        {
            _texts.ResetWrittenCount();
            _title = Keep(chat.Title);
            _tags = Keep(chat.Tags);
            _externalUserId = Keep(chat.ExternalUserId);
            (_id, _userId, _createdAt) = (chat.Id, chat.UserId, chat.CreatedAt);
            return true;
        }

        public bool Message(in ExportedMessage message)
        {
            var texts = _texts.WrittenSpan;
            rows.Cell(_id);
            rows.Cell(texts[_title]);
            rows.Cell(texts[_tags]);
            rows.Cell(_userId);
            rows.Cell(texts[_externalUserId]);
            rows.Cell(_createdAt);
            rows.Cell(message.Id);
            rows.Cell(message.Role);
            rows.Cell(message.Text(_text));
            rows.Cell(message.Model);
            rows.Cell(message.LatencyMs);
            rows.Cell(message.TokenCount);
            rows.Cell(message.PromptTokens);
            rows.Cell(message.CompletionTokens);
            rows.Cell(message.Metadata);
            rows.Cell(message.Feedback.Rating);
            rows.Cell(message.CreatedAt);
            rows.Cell(message.Name);
            rows.Cell(message.ToolCallId);
            rows.Cell(message.ToolCalls);
            rows.Cell(message.Parts);
            rows.EndRow();
            return true;
        }

        public void EndChat()
        {
        }

        public void End() => rows.Dispose();

        private System.Range Keep(ReadOnlySpan<byte> text)
        {
            var start = _texts.WrittenCount;
            _texts.Write(text);
            return start.._texts.WrittenCount;
        }
    }
}
