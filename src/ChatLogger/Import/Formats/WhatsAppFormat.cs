using System.Runtime.CompilerServices;
using System.Text;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// A chat that WhatsApp exported as text, on Android (<c>31/12/2023, 23:59 - Ann: Hi</c>) or iOS (<c>[31.12.23, 23:59:59] Ann: Hi</c>). The
/// file is one conversation; lines without a date belong to the message before them, and messages without a sender are the system's.
/// </summary>
internal sealed class WhatsAppFormat : IImportFormat
{
    /// <summary>How many messages are held at once.</summary>
    private const int PieceLength = 500;

    public string Name => "whatsapp";

    public async IAsyncEnumerable<FileEntry> Read(
        ReadBuffer buffer, FileContext context, [EnumeratorCancellation] CancellationToken ct)
    {
        var dates = WhatsAppDates.Of(Encoding.UTF8.GetString((await buffer.Peek(FileHead.Size, ct)).Span), context.Options.Zone);
        var (pending, text, from) = (new List<ImportedMessage>(), new StringBuilder(), 0);
        (WhatsAppLine Line, long Number)? current = null;
        string? externalId = null;
        long start = 1;
        await foreach (var piece in Lines.Split(buffer, ct))
        {
            if (piece.Error is { } error)
            {
                yield return new(piece.Number, $"line {piece.Number}", null, error) { IsEnd = piece.IsEnd };
                continue;
            }
            var said = Encoding.UTF8.GetString(piece.Bytes.Span).TrimEnd('\r');
            if (dates.Read(said) is not { } line)
            {
                if (current is null)
                    yield return new(piece.Number, $"line {piece.Number}", null, "a line before the first message");
                else
                    text.Append('\n').Append(said);
                continue;
            }
            externalId ??= ExternalId.Of(Name, Encoding.UTF8.GetBytes($"{context.FileName}\n{said}"), null);
            if (current is { } before)
                pending.Add(Message(before.Line, text.ToString(), context));
            if (pending.Count == PieceLength)
            {
                yield return Entry(continues: true);
                (from, pending, start) = (from + pending.Count, [], piece.Number);
            }
            current = (line, piece.Number);
            text.Clear().Append(line.Text);
        }
        if (current is { } last)
        {
            pending.Add(Message(last.Line, text.ToString(), context));
            yield return Entry(continues: false);
        }

        FileEntry Entry(bool continues) => new(start, $"line {start}", new()
        {
            ExternalId = externalId!,
            Title = Path.GetFileNameWithoutExtension(context.FileName),
            Metadata = new MetadataBuilder(context.Notes).Add("source", "whatsapp").Build(),
            CreatedAt = pending[0].CreatedAt,
            Messages = [.. pending],
            From = from,
            Continues = continues,
        }, null);
    }

    private static ImportedMessage Message(WhatsAppLine line, string text, FileContext context) => new()
    {
        Role = line.Sender is null ? "system" : context.Options.Assistants.Contains(line.Sender) ? "assistant" : "user",
        Name = line.Sender is { Length: > 128 } name ? name[..128] : line.Sender,
        // A message that was deleted at once may be empty, and the service takes none.
        Content = string.IsNullOrWhiteSpace(text) ? "(empty)" : text,
        CreatedAt = line.At,
    };
}
