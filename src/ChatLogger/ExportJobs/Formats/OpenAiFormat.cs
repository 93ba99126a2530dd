using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>
/// <c>openai-jsonl</c>: the roles and contents of the messages, a chat per line, in the format of fine-tuning and evaluation. It leaves out
/// what would make a trainer refuse the whole file: a chat without a message of the assistant, and a tool message without the call that it
/// answers.
/// </summary>
internal sealed class OpenAiFormat : IExportFormat
{
    public string Name => "openai-jsonl";

    public string ContentType => "application/jsonl";

    public string FileExtension => "jsonl";

    public bool NeedsAssistant => true;

    public IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style) => new RowWriter(output);

    private sealed class RowWriter(IBufferWriter<byte> output) : IExportRowWriter
    {
        private bool _suppressed;
        private bool _messages;

        public bool Chat(in ExportedChat chat)
        {
            _suppressed = !chat.HasAssistant;
            _messages = false;
            if (!_suppressed)
                output.Write("{\"messages\":["u8);
            return !_suppressed;
        }

        public bool Message(in ExportedMessage message)
        {
            // The chat is left out and counted as one; its messages are not counted in addition.
            if (_suppressed)
                return true;
            if (message.Role.SequenceEqual("tool"u8) || message.Role.SequenceEqual("function"u8))
                return false;
            output.Write(_messages ? ",{\"role\":"u8 : "{\"role\":"u8);
            _messages = true;
            output.JsonString(message.Role);
            output.Write(",\"content\":"u8);
            output.JsonString(message.Content);
            output.Byte((byte)'}');
            return true;
        }

        public void EndChat()
        {
            if (!_suppressed)
                output.Write("]}\n"u8);
        }

        public void End()
        {
        }
    }
}
