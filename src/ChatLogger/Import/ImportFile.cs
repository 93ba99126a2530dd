using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// Reads the conversations of a file one at a time, so that memory does not grow with the file. Gzip is recognized by its first bytes.
/// </summary>
/// <param name="source">The file.</param>
/// <param name="name">Its name, for titles and ids.</param>
/// <param name="options">What the caller wants of it.</param>
/// <param name="format">The name of its format; null or <c>auto</c>: it is recognized.</param>
internal sealed class ImportFile(Stream source, string name, ImportOptions? options = null, string? format = null) : IAsyncDisposable
{
    public const string Automatic = "auto";

    private static readonly OwnFormat OwnLines = new("jsonl");
    private static readonly OwnFormat OwnArray = new("json");
    private static readonly OpenAiImportFormat OpenAi = new();
    private static readonly ChatGptFormat ChatGpt = new();
    private static readonly LibreChatFormat LibreChat = new();
    private static readonly OpenWebUiFormat OpenWebUi = new();
    private static readonly ShareGptFormat ShareGpt = new();
    private static readonly LangfuseFormat Langfuse = new();
    private static readonly WhatsAppFormat WhatsApp = new();
    private static readonly CsvImportFormat Csv = new();
    private static readonly ConversationsFormat Corpus = new();

    private static readonly IImportFormat[] All =
        [OwnLines, OwnArray, OpenAi, ChatGpt, LibreChat, OpenWebUi, ShareGpt, Langfuse, WhatsApp, Csv, Corpus];

    private ReadBuffer? _buffer;
    private Stream? _unpacked;

    public static IReadOnlyList<string> Formats { get; } = [.. All.Select(known => known.Name)];

    public ImportNotes Notes { get; } = new();

    /// <summary>The format that was recognized or given, once reading has begun.</summary>
    public string? Format { get; private set; }

    /// <summary>How much has been read, in bytes of the file, and how long it is; null: that is not known.</summary>
    public (long Read, long Length)? Progress => source.CanSeek ? (source.Position, source.Length) : null;

    /// <exception cref="ImportException">The format is not known, or its columns are not.</exception>
    public async IAsyncEnumerable<FileEntry> Read([EnumeratorCancellation] CancellationToken ct = default)
    {
        _buffer = new(await Unpacked(ct));
        var found = Find(format) ?? Recognize((await _buffer.Peek(FileHead.Size, ct)).Span, options ?? new());
        Format = found.Name;
        await foreach (var entry in found.Read(_buffer, new(PlainName(name), options ?? new(), Notes), ct))
            yield return entry;
    }

    public async ValueTask DisposeAsync()
    {
        if (_unpacked is not null)
            await _unpacked.DisposeAsync();
        await source.DisposeAsync();
    }

    private static IImportFormat? Find(string? format) => format is null or Automatic
        ? null
        : Array.Find(All, known => known.Name == format) ?? throw new ImportException(
            $"There is no format \"{format}\". Known are: {Automatic}, {string.Join(", ", Formats)}.");

    private static IImportFormat Recognize(ReadOnlySpan<byte> head, ImportOptions options)
    {
        if (head is [(byte)'P', (byte)'K', 3, 4, ..])
            throw new ImportException("The file is a ZIP archive: unpack it, and name the file within, such as conversations.json.");
        var text = Encoding.UTF8.GetString(head[..Math.Min(head.Length, 4096)]).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (options.Columns.Count > 0)
            return Csv;
        if (WhatsAppDates.IsIn(text))
            return WhatsApp;
        if (text is ['{' or '[', ..])
            return RecognizeJson(FileHead.Members(head), text[0] == '[');
        if (text.Split('\n')[0] is var header
            && (header.Contains("chatId,", StringComparison.Ordinal) || (header.Contains("chat", StringComparison.Ordinal)
                && header.Contains("content", StringComparison.Ordinal))))
            return Csv;
        throw NotRecognized();
    }

    private static IImportFormat RecognizeJson(HashSet<string> members, bool isArray)
    {
        bool Has(params ReadOnlySpan<string> names)
        {
            foreach (var member in names)
            {
                if (members.Contains(member))
                    return true;
            }
            return false;
        }

        return Has("mapping") ? ChatGpt
            : Has("chat") || (Has("history") && Has("models")) ? OpenWebUi
            : Has("exportAt", "messagesTree", "endpoint") ? LibreChat
            : Has("observations", "trace", "traces", "traceId", "data") ? Langfuse
            : Has("input", "output") && Has("timestamp", "startTime") ? Langfuse
            : Has("conversations", "items") ? ShareGpt
            : Has("conversationId") ? Corpus
            : Has("externalUserId", "externalId") || (Has("tags") && Has("updatedAt")) ? (isArray ? OwnArray : OwnLines)
            : Has("messages") ? OpenAi
            : isArray && members.Count == 0 ? OwnArray
            : throw NotRecognized();
    }

    private static ImportException NotRecognized() =>
        new($"The format of the file is not recognized. Name it with --format: {string.Join(", ", Formats)}.");

    private static string PlainName(string name) => name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;

    private async ValueTask<Stream> Unpacked(CancellationToken ct)
    {
        var raw = new ReadBuffer(source);
        var start = await raw.Peek(2, ct);
        var bytes = new BufferStream(raw);
        return _unpacked = start.Span is [0x1f, 0x8b] ? new GZipStream(bytes, CompressionMode.Decompress) : bytes;
    }
}
