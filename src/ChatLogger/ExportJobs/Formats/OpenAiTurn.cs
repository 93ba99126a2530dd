using System.Buffers;
using System.Text;

namespace ChatLogger.ExportJobs;

/// <summary>
/// A message of the assistant that calls tools, and the answers that follow it. They are buffered until the next message, because a call
/// without an answer and an answer without a call must be left out. Only at the end of a conversation calls need no answers: there they are
/// what a model is trained to say.
/// </summary>
internal sealed class OpenAiTurn
{
    private readonly ArrayBufferWriter<byte> _content = new(1024);
    private readonly ArrayBufferWriter<byte> _name = new(64);
    private readonly ArrayBufferWriter<byte> _answers = new(1024);
    private readonly List<Call> _calls = [];

    public bool HasBegun { get; private set; }

    public bool IsComplete => _calls.TrueForAll(call => call.IsKept);

    public bool SaysSomething => _content.WrittenCount > 0 || _calls.Exists(call => call.IsKept);

    /// <param name="content">The content as JSON; empty: none.</param>
    /// <param name="name">The name of the participant; empty: none.</param>
    /// <param name="toolCalls">The calls as stored.</param>
    public void Begin(ReadOnlySpan<byte> content, ReadOnlySpan<byte> name, ReadOnlySpan<byte> toolCalls)
    {
        HasBegun = true;
        _content.Write(content);
        _name.Write(name);
        foreach (var call in ExportedCall.Read(toolCalls))
            _calls.Add(new(call));
    }

    /// <summary>Adds the answer of a tool; false: no call of this turn waits for it.</summary>
    public bool Answer(ReadOnlySpan<byte> toolCallId, ReadOnlySpan<byte> content)
    {
        var id = Encoding.UTF8.GetString(toolCallId);
        // Of two calls with the same id only the first counts, because nobody could tell which one an answer is for.
        if (_calls.Find(call => call.Asked.Id == id) is not { IsKept: false } call)
            return false;
        call.IsKept = true;
        _answers.Write(",{\"role\":\"tool\",\"tool_call_id\":"u8);
        _answers.JsonString(toolCallId);
        _answers.Write(",\"content\":"u8);
        _answers.Write(content);
        _answers.Byte((byte)'}');
        return true;
    }

    /// <summary>Keeps the calls of the last message, to which nothing was answered.</summary>
    public void KeepLastCalls()
    {
        if (_calls.Exists(call => call.IsKept))
            return;
        foreach (var call in _calls.DistinctBy(call => call.Asked.Id))
            call.IsKept = true;
    }

    /// <summary>Writes the message, with the calls that are kept, and the answers; nothing if it says nothing.</summary>
    public void End(IBufferWriter<byte> output)
    {
        if (SaysSomething)
            Write(output);
        HasBegun = false;
        _content.ResetWrittenCount();
        _name.ResetWrittenCount();
        _answers.ResetWrittenCount();
        _calls.Clear();
    }

    private void Write(IBufferWriter<byte> output)
    {
        output.Write("{\"role\":\"assistant\",\"content\":"u8);
        output.Write(_content.WrittenCount > 0 ? _content.WrittenSpan : "null"u8);
        OpenAiContent.WriteName(output, _name.WrittenSpan);
        var any = false;
        foreach (var call in _calls.Where(call => call.IsKept))
        {
            output.Write(any ? ","u8 : ",\"tool_calls\":["u8);
            any = true;
            output.Write("{\"id\":"u8);
            output.JsonString(Encoding.UTF8.GetBytes(call.Asked.Id));
            output.Write(",\"type\":\"function\",\"function\":{\"name\":"u8);
            output.JsonString(Encoding.UTF8.GetBytes(OpenAiContent.FunctionName(call.Asked.Name)));
            output.Write(",\"arguments\":"u8);
            // The arguments of a function are a string, usually with JSON in it.
            output.JsonString(call.Asked.Arguments);
            output.Write("}}"u8);
        }
        if (any)
            output.Byte((byte)']');
        output.Byte((byte)'}');
        output.Write(_answers.WrittenSpan);
    }

    private sealed record Call(ExportedCall Asked)
    {
        public bool IsKept { get; set; }
    }
}
