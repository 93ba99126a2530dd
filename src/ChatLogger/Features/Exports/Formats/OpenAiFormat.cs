using System.Buffers;

namespace ChatLogger.Features;

/// <summary><c>openai-jsonl</c>: what was said and by whom, a chat per line, as tools for training and evaluation read it.</summary>
internal sealed class OpenAiFormat : IExportFormat
{
    public string Name => "openai-jsonl";

    public string ContentType => "application/jsonl";

    public string FileExtension => "jsonl";

    public IExportFile Begin(IBufferWriter<byte> output) => new File(output);

    private sealed class File(IBufferWriter<byte> output) : IExportFile
    {
        private bool _messages;

        public void Chat(in ExportedChat chat)
        {
            _messages = false;
            output.Write("{\"messages\":["u8);
        }

        public void Message(in ExportedMessage message)
        {
            output.Write(_messages ? ",{\"role\":"u8 : "{\"role\":"u8);
            _messages = true;
            output.JsonString(message.Role);
            output.Write(",\"content\":"u8);
            output.JsonString(message.Content);
            output.Byte((byte)'}');
        }

        public void EndChat() => output.Write("]}\n"u8);

        public void End()
        {
        }
    }
}
