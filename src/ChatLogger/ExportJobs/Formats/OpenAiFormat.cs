using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>
/// <c>openai-jsonl</c>: the roles and contents of the messages and the calls of tools, a chat per line, in the format of fine-tuning and
/// evaluation. It leaves out what would make a trainer refuse the whole file: a chat without a message of the assistant, a message of a
/// tool without the call that it answers, a call in the middle that the next messages do not answer, and a message that then says nothing.
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
        // A line whose chat may turn out to have no message of the assistant is buffered until there is one.
        private readonly ArrayBufferWriter<byte> _line = new(1024);
        private readonly ArrayBufferWriter<byte> _content = new(1024);
        private readonly OpenAiTurn _turn = new();
        private LeftOut _leftOut;
        private long _leftOutHere;
        private bool _suppressed;
        private bool _buffers;
        private bool _messages;

        public LeftOut LeftOut => _leftOut;

        private IBufferWriter<byte> Line => _buffers ? _line : output;

        public bool Chat(in ExportedChat chat)
        {
            _suppressed = chat.Assistant == ExportedAssistant.None;
            _buffers = chat.Assistant == ExportedAssistant.WithoutContent;
            _messages = false;
            _leftOutHere = 0;
            _line.ResetWrittenCount();
            if (!_suppressed)
                Line.Write("{\"messages\":["u8);
            return !_suppressed;
        }

        public bool Message(in ExportedMessage message)
        {
            // The chat is left out and counted as one; its messages are not counted in addition.
            if (_suppressed)
                return true;
            var hasContent = OpenAiContent.Write(_content, message);
            if (message.Role.SequenceEqual("tool"u8) || message.Role.SequenceEqual("function"u8))
            {
                if (!_turn.Answer(message.ToolCallId, hasContent ? _content.WrittenSpan : "\"\""u8))
                    _leftOutHere++;
                return true;
            }
            EndTurn();
            if (!message.ToolCalls.IsEmpty)
            {
                _turn.Begin(hasContent ? _content.WrittenSpan : [], message.Name, message.ToolCalls);
            }
            else if (hasContent)
            {
                var isAssistant = message.Role.SequenceEqual("assistant"u8);
                Begin(isAssistant);
                Line.Write("{\"role\":"u8);
                Line.JsonString(message.Role);
                Line.Write(",\"content\":"u8);
                Line.Write(_content.WrittenSpan);
                OpenAiContent.WriteName(Line, message.Name);
                Line.Byte((byte)'}');
            }
            else
            {
                _leftOutHere++;
            }
            return true;
        }

        public void EndChat()
        {
            if (_suppressed)
                return;
            _turn.KeepLastCalls();
            EndTurn();
            if (_buffers)
            {
                _leftOut = _leftOut with { Chats = _leftOut.Chats + 1 };
                return;
            }
            _leftOut = _leftOut with { Messages = _leftOut.Messages + _leftOutHere };
            output.Write("]}\n"u8);
        }

        public void End()
        {
        }

        private void EndTurn()
        {
            if (!_turn.HasBegun)
                return;
            if (!_turn.IsComplete)
                _leftOutHere++;
            if (_turn.SaysSomething)
                Begin(isAssistant: true);
            _turn.End(Line);
        }

        private void Begin(bool isAssistant)
        {
            if (isAssistant && _buffers)
            {
                _buffers = false;
                output.Write(_line.WrittenSpan);
            }
            if (_messages)
                Line.Byte((byte)',');
            _messages = true;
        }
    }
}
