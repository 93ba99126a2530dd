using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;

namespace ChatLogger.Import;

/// <summary>A format whose files are JSON Lines, one array, or one object; each value holds one or more conversations.</summary>
internal abstract class JsonImportFormat : IImportFormat
{
    // A repeated member has no single value.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public abstract string Name { get; }

    /// <summary>The format in external ids.</summary>
    protected virtual string IdPrefix => Name;

    public async IAsyncEnumerable<FileEntry> Read(
        ReadBuffer buffer, FileContext context, [EnumeratorCancellation] CancellationToken ct)
    {
        var isLines = FileHead.IsLines((await buffer.Peek(FileHead.Size, ct)).Span);
        var unit = isLines ? "line" : "item";
        await foreach (var piece in isLines ? Lines.Split(buffer, ct) : JsonValues.Split(buffer, ct))
        {
            var where = $"{unit} {piece.Number}";
            if (piece.Error is { } broken)
            {
                yield return new(piece.Number, where, null, broken) { IsEnd = piece.IsEnd };
                continue;
            }
            foreach (var (conversation, error) in Parse(piece, context))
                yield return new(piece.Number, where, conversation, error);
        }
    }

    /// <summary>The conversations of one value; a <see cref="FormatException"/> says in a few words what is wrong with it.</summary>
    protected abstract IEnumerable<ImportedConversation> Conversations(JsonElement json, JsonSource source);

    private List<(ImportedConversation? Conversation, string? Error)> Parse(Piece piece, FileContext context)
    {
        if (!Utf8.IsValid(piece.Bytes.Span))
            return [(null, "not valid UTF-8")];
        try
        {
            var json = JsonElement.Parse(piece.Bytes.Span, Strict);
            if (json.ValueKind != JsonValueKind.Object)
                return [(null, "not a JSON object")];
            return [.. Conversations(json, new(IdPrefix, piece, context)).Select(found => (found, (string?)null))];
        }
        catch (JsonException failure)
        {
            return [(null, $"not JSON, or a member stands twice (byte {failure.BytePositionInLine})")];
        }
        catch (InvalidOperationException)
        {
            return [(null, "half a surrogate pair in a string")];
        }
        catch (FormatException failure)
        {
            return [(null, failure.Message)];
        }
    }
}
