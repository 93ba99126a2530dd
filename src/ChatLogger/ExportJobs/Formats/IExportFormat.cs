using System.Buffers;
using ChatLogger.Data;

namespace ChatLogger.ExportJobs;

/// <summary>
/// A file format of exports. To add one, implement this interface and register the class with one line. Of several layouts of a format, the
/// one registered first is the default.
/// </summary>
internal interface IExportFormat
{
    /// <summary>The name in requests, e.g. <c>csv</c>.</summary>
    string Name { get; }

    /// <summary>The layout if the format has several; otherwise null.</summary>
    string? Layout => null;

    string ContentType { get; }

    /// <summary>The file extension without the dot.</summary>
    string FileExtension { get; }

    /// <summary>Whether the progress counts messages; otherwise it counts chats.</summary>
    bool CountsMessages => false;

    /// <summary>
    /// Whether the format needs the number of messages of each <see cref="ExportedChat"/> and the times of the first and the last. The
    /// database then reads each message twice.
    /// </summary>
    bool NeedsTotals => false;

    /// <summary>Whether the format needs <see cref="ExportedChat.Assistant"/>.</summary>
    bool NeedsAssistant => false;

    /// <summary>Begins a file: writes its header and returns the writer of the rest.</summary>
    IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style);
}

internal static class ExportFormats
{
    /// <summary>The format of this name and layout; if the layout is null, the first one of that name. Null: there is none.</summary>
    public static IExportFormat? Find(this IEnumerable<IExportFormat> formats, string name, string? layout) =>
        formats.FirstOrDefault(format => format.Name == name && (layout is null || format.Layout == layout));
}

/// <summary>
/// Writes the rows of a file. The caller calls, for each chat, <see cref="Chat"/>, <see cref="Message"/> for its messages in order, and
/// <see cref="EndChat"/>; then <see cref="End"/>. The rows are valid only during the call.
/// </summary>
internal interface IExportRowWriter
{
    /// <summary>Begins a chat. False: the format leaves it out, with all its messages.</summary>
    bool Chat(in ExportedChat chat);

    /// <summary>Writes a message. False: the format leaves it out.</summary>
    bool Message(in ExportedMessage message);

    void EndChat();

    void End();

    /// <summary>What the format left out although <see cref="Chat"/> or <see cref="Message"/> had accepted it.</summary>
    LeftOut LeftOut => default;
}

/// <summary>How many chats, and how many messages of other chats, a format left out.</summary>
internal readonly record struct LeftOut(long Chats, long Messages);

/// <summary>Whether a chat has a message of the assistant.</summary>
internal enum ExportedAssistant
{
    None,

    /// <summary>It has one, but none with content.</summary>
    WithoutContent,

    WithContent,
}

/// <summary>
/// A chat as the database sends it. Texts are UTF-8; an empty one stands for null, because no column may hold an empty text.
/// </summary>
internal readonly ref struct ExportedChat
{
    public Guid Id { get; init; }
    public ReadOnlySpan<byte> ExternalId { get; init; }
    public ReadOnlySpan<byte> Title { get; init; }

    /// <summary>A JSON array of strings.</summary>
    public ReadOnlySpan<byte> Tags { get; init; }
    public ReadOnlySpan<byte> Metadata { get; init; }
    public Guid? UserId { get; init; }
    public ReadOnlySpan<byte> ExternalUserId { get; init; }
    public DateTime CreatedAt { get; init; }
    public DateTime UpdatedAt { get; init; }
    public ExportedFeedback Feedback { get; init; }

    /// <summary>Set only for formats with <see cref="IExportFormat.NeedsTotals"/>.</summary>
    public int MessageCount { get; init; }

    /// <summary>Set only for formats with <see cref="IExportFormat.NeedsAssistant"/>.</summary>
    public ExportedAssistant Assistant { get; init; }

    /// <inheritdoc cref="MessageCount"/>
    public DateTime? FirstMessageAt { get; init; }

    /// <inheritdoc cref="MessageCount"/>
    public DateTime? LastMessageAt { get; init; }
}

/// <summary>A message as the database sends it; texts as in <see cref="ExportedChat"/>.</summary>
internal readonly ref struct ExportedMessage
{
    public Guid Id { get; init; }
    public Guid ChatId { get; init; }
    public ReadOnlySpan<byte> Role { get; init; }
    public ReadOnlySpan<byte> Content { get; init; }

    /// <summary>A JSON array of objects with a <c>type</c>.</summary>
    public ReadOnlySpan<byte> Parts { get; init; }

    /// <summary>A JSON array of objects with <c>id</c>, <c>name</c> and <c>arguments</c>, and no other members.</summary>
    public ReadOnlySpan<byte> ToolCalls { get; init; }
    public ReadOnlySpan<byte> ToolCallId { get; init; }
    public ReadOnlySpan<byte> Name { get; init; }
    public ReadOnlySpan<byte> Metadata { get; init; }
    public int? LatencyMs { get; init; }
    public int? TokenCount { get; init; }
    public int? PromptTokens { get; init; }
    public int? CompletionTokens { get; init; }
    public ReadOnlySpan<byte> Model { get; init; }
    public DateTime CreatedAt { get; init; }
    public ExportedFeedback Feedback { get; init; }

    /// <summary>The text of the message, see <see cref="MessageText"/>; <paramref name="buffer"/> may be used for it.</summary>
    public ReadOnlySpan<byte> Text(ArrayBufferWriter<byte> buffer)
    {
        if (!Content.IsEmpty || Parts.IsEmpty)
            return Content;
        buffer.ResetWrittenCount();
        MessageText.WriteParts(buffer, Parts);
        return buffer.WrittenSpan;
    }
}

/// <summary>The feedback of an end user. An empty rating means that there is none.</summary>
internal readonly ref struct ExportedFeedback
{
    public ReadOnlySpan<byte> Rating { get; init; }
    public ReadOnlySpan<byte> Comment { get; init; }
    public DateTime At { get; init; }
}
