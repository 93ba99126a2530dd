using System.Buffers;
using System.Text;
using System.Text.Json;
using ChatLogger.Data;

namespace ChatLogger.ExportJobs;

/// <summary>Writes the content of a message for OpenAI: a string, or an array of the parts that are known there.</summary>
internal static class OpenAiContent
{
    private const int NameLength = 64;
    private const string ImageUrl = "image_url";

    // What else than text a message of the role may contain.
    private static readonly (string Type, JsonTokenType Value)[] UserTypes =
        [(ImageUrl, JsonTokenType.StartObject), ("input_audio", JsonTokenType.StartObject), ("file", JsonTokenType.StartObject)];

    private static readonly (string Type, JsonTokenType Value)[] AssistantTypes = [("refusal", JsonTokenType.String)];

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"u8);

    /// <summary>Replaces what is in the buffer by the content as JSON; false: there is none.</summary>
    public static bool Write(ArrayBufferWriter<byte> buffer, in ExportedMessage message)
    {
        buffer.ResetWrittenCount();
        if (!message.Content.IsEmpty)
        {
            buffer.JsonString(message.Content);
            return true;
        }
        if (message.Parts.IsEmpty)
            return false;
        var known = message.Role.SequenceEqual("user"u8) ? UserTypes : message.Role.SequenceEqual("assistant"u8) ? AssistantTypes : [];
        var reader = new Utf8JsonReader(message.Parts, new JsonReaderOptions { MaxDepth = int.MaxValue });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            WritePart(buffer, ref reader, message.Parts, known);
        if (buffer.WrittenCount == 0)
            return false;
        buffer.Byte((byte)']');
        return true;
    }

    /// <summary>Writes the name of a participant as a member, if it is one that OpenAI accepts.</summary>
    public static void WriteName(IBufferWriter<byte> output, ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > NameLength || name.ContainsAnyExcept(NameBytes))
            return;
        output.Write(",\"name\":"u8);
        output.JsonString(name);
    }

    /// <summary>The name of a tool in the characters and the length that OpenAI accepts.</summary>
    public static string FunctionName(string name)
    {
        var beginning = name.Length > NameLength ? name[..NameLength] : name;
        return beginning.AsSpan().ContainsAnyExcept(NameCharacters)
            ? string.Concat(beginning.Select(each => NameCharacters.Contains(each) ? each : '_'))
            : beginning;
    }

    // A part of another type becomes a text if it has one. Only the members that OpenAI knows are written.
    private static void WritePart(
        ArrayBufferWriter<byte> buffer, ref Utf8JsonReader reader, ReadOnlySpan<byte> parts, (string Type, JsonTokenType Value)[] known)
    {
        var part = reader;
        var text = MessageText.TextOfPart(ref reader);
        foreach (var (type, kind) in known)
        {
            if (Find(part, type) is not { } value || !(value.Kind == kind || (value.Kind == JsonTokenType.String && type == ImageUrl)))
                continue;
            Begin(buffer, type);
            if (value.Kind != kind)
                buffer.Write("{\"url\":"u8);
            buffer.Write(parts[value.Place]);
            buffer.Write(value.Kind != kind ? "}}"u8 : "}"u8);
            return;
        }
        if (text.TokenType != JsonTokenType.String)
            return;
        Begin(buffer, "text");
        buffer.Byte((byte)'"');
        // The string as stored, with its escapes.
        buffer.Write(text.ValueSpan);
        buffer.Write("\"}"u8);
    }

    private static void Begin(ArrayBufferWriter<byte> buffer, string type)
    {
        buffer.Write(buffer.WrittenCount == 0 ? "[{\"type\":\""u8 : ",{\"type\":\""u8);
        Encoding.UTF8.GetBytes(type, buffer);
        buffer.Write("\",\""u8);
        Encoding.UTF8.GetBytes(type, buffer);
        buffer.Write("\":"u8);
    }

    // A part of a type has its value in a member of the same name. Null: the part is of another type, or has no such member.
    private static (System.Range Place, JsonTokenType Kind)? Find(Utf8JsonReader part, string type)
    {
        (System.Range, JsonTokenType)? found = null;
        var isOfType = false;
        while (part.Read() && part.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isValue) = (part.ValueTextEquals("type"u8), part.ValueTextEquals(type));
            part.Read();
            if (isType)
                isOfType = part.TokenType == JsonTokenType.String && part.ValueTextEquals(type);
            var (start, kind) = ((int)part.TokenStartIndex, part.TokenType);
            part.Skip();
            if (isValue)
                found = (start..(int)part.BytesConsumed, kind);
        }
        return isOfType ? found : null;
    }
}
