using System.Text;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>
/// Validation of what a message says: content, parts or tool calls. It is one rule, so that a message with content alone, as most are, pays
/// nothing for the others.
/// </summary>
internal sealed class ContentRules(Limits limits)
{
    private delegate string? ElementCheck(ref Utf8JsonReader element, out string? member);

    public void Check(AppendMessage.Command message, ValidationContext<AppendMessage.Command> context)
    {
        CheckContent(message, context);
        if (message is { Parts: null, ToolCalls: null, ToolCallId: null, Name: null })
            return;

        if (message.ToolCalls is not null && message.Role != "assistant")
            context.AddFailure("toolCalls", "Only a message with the role assistant calls tools.");
        if (message.ToolCallId is not null && message.Role is not ("tool" or "function"))
            context.AddFailure("toolCallId", "Only a message with the role tool or function answers a call.");
        if (IsTooLong(message.ToolCallId))
            context.AddFailure("toolCallId", $"May have at most {limits.ToolNameLength} characters.");
        if (IsTooLong(message.Name))
            context.AddFailure("name", $"May have at most {limits.ToolNameLength} characters.");

        // A part has depth 1, and so have the arguments of a call. The id, name and arguments of a call are no keys of the caller's.
        var keys = 0;
        if (message.Parts is { } parts)
        {
            keys = parts.Measured.Keys;
            CheckJson("parts", parts, parts.Measured.Depth - 1, keys, context);
            CheckEach("parts", parts, limits.Parts, CheckPart, context);
        }
        if (message.ToolCalls is { } calls)
        {
            var count = CheckEach("toolCalls", calls, limits.ToolCalls, CheckCall, context);
            CheckJson("toolCalls", calls, calls.Measured.Depth - 2, keys + calls.Measured.Keys - 3 * count, context);
        }
    }

    private void CheckContent(AppendMessage.Command message, ValidationContext<AppendMessage.Command> context)
    {
        if (message is { Parts: null, ToolCalls: null })
        {
            if (string.IsNullOrWhiteSpace(message.Content))
                context.AddFailure("content", "Must say something, unless there are parts or toolCalls.");
            else if (Encoding.UTF8.GetByteCount(message.Content) > limits.ContentBytes)
                context.AddFailure("content", $"May have at most {limits.ContentBytes} bytes in UTF-8.");
            return;
        }
        var bytes = Encoding.UTF8.GetByteCount(message.Content ?? "") + (long)(message.Parts?.Measured.Bytes ?? 0)
            + (message.ToolCalls?.Measured.Bytes ?? 0);
        if (bytes > limits.ContentBytes)
            context.AddFailure("content", $"May have at most {limits.ContentBytes} bytes in UTF-8, together with parts and toolCalls.");
    }

    private void CheckJson(string path, RawJsonArray json, int depth, int keys, ValidationContext<AppendMessage.Command> context)
    {
        var measured = json.Measured;
        if (depth > limits.PartDepth)
            context.AddFailure(path, $"May nest at most {limits.PartDepth} deep.");
        if (keys > limits.PartKeys)
            context.AddFailure(path, $"May have at most {limits.PartKeys} keys in all.");
        if (measured.HasDuplicateKey)
            context.AddFailure(path, "A key stands twice in the same object.");
        if (measured.LongestNumber > limits.PartNumberLength || measured.HasInfiniteNumber)
            context.AddFailure(path, $"A number must be a finite double of at most {limits.PartNumberLength} characters.");
    }

    /// <summary>Reports the first element that is wrong, and returns how many elements there are up to it.</summary>
    private static int CheckEach(
        string path, RawJsonArray array, int most, ElementCheck check, ValidationContext<AppendMessage.Command> context)
    {
        var reader = new Utf8JsonReader(array.Utf8.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var count = 0;
        for (reader.Read(); reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
        {
            if (count == most)
            {
                context.AddFailure(path, $"May be at most {most}.");
                break;
            }
            string? member = null;
            var sentence = reader.TokenType == JsonTokenType.StartObject ? check(ref reader, out member) : "Must be an object.";
            if (sentence is not null)
            {
                context.AddFailure($"{path}[{count}]{(member is null ? "" : $".{member}")}", sentence);
                break;
            }
        }
        return count;
    }

    private string? CheckPart(ref Utf8JsonReader part, out string? member)
    {
        member = "type";
        var hasType = false;
        while (part.Read() && part.TokenType == JsonTokenType.PropertyName)
        {
            var isType = part.ValueTextEquals("type"u8);
            part.Read();
            if (isType && !IsText(ref part, limits.PartTypeLength))
                return $"Must be a string of 1 to {limits.PartTypeLength} characters.";
            hasType |= isType;
            part.Skip();
        }
        return hasType ? null : "Is required.";
    }

    private string? CheckCall(ref Utf8JsonReader call, out string? member)
    {
        var (id, name, arguments) = (false, false, false);
        while (call.Read() && call.TokenType == JsonTokenType.PropertyName)
        {
            member = call.ValueTextEquals("id"u8) ? "id" : call.ValueTextEquals("name"u8) ? "name"
                : call.ValueTextEquals("arguments"u8) ? "arguments" : null;
            if (member is null)
                return "There is a member that is not known here. Known are: id, name, arguments.";
            call.Read();
            if (member == "arguments")
            {
                if (call.TokenType is not (JsonTokenType.String or JsonTokenType.StartObject))
                    return "Must be a string or an object.";
                call.Skip();
            }
            else if (!IsText(ref call, limits.ToolNameLength))
            {
                return $"Must be a string of 1 to {limits.ToolNameLength} characters.";
            }
            id |= member == "id";
            name |= member == "name";
            arguments |= member == "arguments";
        }
        member = !id ? "id" : !name ? "name" : "arguments";
        return id && name && arguments ? null : "Is required.";
    }

    private static bool IsText(ref Utf8JsonReader value, int most) =>
        value.TokenType == JsonTokenType.String && value.GetString() is { Length: > 0 } text && Text.Length(text) <= most;

    private bool IsTooLong(string? text) => text is not null && Text.Length(text) > limits.ToolNameLength;
}
