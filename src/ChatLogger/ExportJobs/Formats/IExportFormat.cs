using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>
/// One way of writing an export. Whoever adds one implements this and registers it with one line; of several layouts of a format the one
/// registered first is the default.
/// </summary>
internal interface IExportFormat
{
    /// <summary>What a caller asks for, e.g. <c>csv</c>.</summary>
    string Name { get; }

    /// <summary>The layout, where the format has several; otherwise null.</summary>
    string? Layout => null;

    string ContentType { get; }

    /// <summary>Without the dot.</summary>
    string FileExtension { get; }

    /// <summary>What progress counts: messages, or otherwise chats.</summary>
    bool CountsMessages => false;

    /// <summary>Whether <see cref="ExportedChat"/> shall say how many messages follow, and from when to when. It costs a second look at each.</summary>
    bool NeedsTotals => false;

    /// <summary>Whether <see cref="ExportedChat.HasAssistant"/> is to be found out for each chat.</summary>
    bool NeedsAssistant => false;

    /// <summary>Begins a file: writes its head, and answers who writes the rest.</summary>
    IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style);
}

internal static class ExportFormats
{
    /// <summary>The format of this name and layout; without a layout the first of that name. Null: there is none.</summary>
    public static IExportFormat? Find(this IEnumerable<IExportFormat> formats, string name, string? layout) =>
        formats.FirstOrDefault(format => format.Name == name && (layout is null || format.Layout == layout));
}

/// <summary>
/// A file being written: for each chat <see cref="Chat"/>, its messages in order, <see cref="EndChat"/>; then <see cref="End"/>. What is in the
/// rows is valid only during the call.
/// </summary>
internal interface IExportRowWriter
{
    /// <summary>False: the format leaves it out, with all that is in it.</summary>
    bool Chat(in ExportedChat chat);

    /// <summary>False: the format leaves it out.</summary>
    bool Message(in ExportedMessage message);

    void EndChat();

    void End();
}

/// <summary>A chat as it comes from the database. Texts are UTF-8, and empty where the column is null: no column may hold an empty text.</summary>
internal readonly ref struct ExportedChat
{
    public Guid Id { get; init; }
    public ReadOnlySpan<byte> Title { get; init; }

    /// <summary>A JSON array of strings.</summary>
    public ReadOnlySpan<byte> Tags { get; init; }
    public ReadOnlySpan<byte> Metadata { get; init; }
    public Guid? UserId { get; init; }
    public ReadOnlySpan<byte> ExternalUserId { get; init; }
    public DateTime CreatedAt { get; init; }
    public DateTime UpdatedAt { get; init; }
    public ExportedFeedback Feedback { get; init; }

    /// <summary>Only for formats that ask for it; see <see cref="IExportFormat.NeedsTotals"/>.</summary>
    public int MessageCount { get; init; }

    /// <summary>Whether one of the messages is the assistant's. Only for formats that ask for it; see <see cref="IExportFormat.NeedsAssistant"/>.</summary>
    public bool HasAssistant { get; init; }

    /// <inheritdoc cref="MessageCount"/>
    public DateTime? FirstMessageAt { get; init; }

    /// <inheritdoc cref="MessageCount"/>
    public DateTime? LastMessageAt { get; init; }
}

/// <summary>A message as it comes from the database; texts as in <see cref="ExportedChat"/>.</summary>
internal readonly ref struct ExportedMessage
{
    public Guid Id { get; init; }
    public Guid ChatId { get; init; }
    public ReadOnlySpan<byte> Role { get; init; }
    public ReadOnlySpan<byte> Content { get; init; }
    public ReadOnlySpan<byte> Metadata { get; init; }
    public int? LatencyMs { get; init; }
    public int? TokenCount { get; init; }
    public int? PromptTokens { get; init; }
    public int? CompletionTokens { get; init; }
    public ReadOnlySpan<byte> Model { get; init; }
    public DateTime CreatedAt { get; init; }
    public ExportedFeedback Feedback { get; init; }
}

/// <summary>What an end user thought of it. Without a rating there is none.</summary>
internal readonly ref struct ExportedFeedback
{
    public ReadOnlySpan<byte> Rating { get; init; }
    public ReadOnlySpan<byte> Comment { get; init; }
    public DateTime At { get; init; }
}
