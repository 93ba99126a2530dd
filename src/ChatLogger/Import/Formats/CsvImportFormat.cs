using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>
/// A CSV file with a row for each message. The rows of a chat stand together. Columns are named by <c>--columns</c>, or are those of the
/// service's own export.
/// </summary>
internal sealed class CsvImportFormat : IImportFormat
{
    /// <summary>How many messages are held at once.</summary>
    private const int PieceLength = 500;

    private static readonly char[] Delimiters = [',', ';', '\t', '|'];

    public string Name => "csv";

    public async IAsyncEnumerable<FileEntry> Read(
        ReadBuffer buffer, FileContext context, [EnumeratorCancellation] CancellationToken ct)
    {
        await Lines.SkipByteOrderMark(buffer, ct);
        var head = Encoding.UTF8.GetString((await buffer.Peek(FileHead.Size, ct)).Span);
        var (rows, seen) = (new CsvMessages(context), new HashSet<ulong>());
        var (isHeader, chat, chatId, isRepeated) = (true, (ImportedConversation?)null, (string?)null, false);
        var (pending, start) = (new List<ImportedMessage>(), 0L);
        await foreach (var (line, fields, broken) in new CsvRecords(DelimiterOf(head)).Split(buffer, ct))
        {
            if (broken is not null)
            {
                yield return new(line, $"line {line}", null, $"the file cannot be read further: {broken}") { IsEnd = true };
                break;
            }
            if (isHeader)
            {
                rows.Begin(fields);
                isHeader = false;
                continue;
            }
            var id = rows.ChatId(fields);
            if (id != chatId || chat is null || pending.Count == PieceLength)
            {
                if (chat is not null && !isRepeated)
                    yield return Entry(continues: id == chatId);
                if (id != chatId || chat is null)
                {
                    (chat, chatId) = (rows.Chat(fields, id), id);
                    isRepeated = !seen.Add(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(id.AsSpan())));
                    if (isRepeated)
                        yield return new(line, $"line {line}", null, "rows of this chat stand elsewhere, too; sort the file by chat");
                }
                else
                {
                    chat = chat with { From = chat.From + pending.Count };
                }
                (pending, start) = ([], line);
            }
            if (isRepeated)
                continue;
            var (message, error) = rows.Message(fields);
            if (message is not null)
                pending.Add(message);
            else
                yield return new(line, $"line {line}", null, error);
        }
        if (chat is not null && !isRepeated)
            yield return Entry(continues: false);

        FileEntry Entry(bool continues) =>
            new(start, $"line {start}", Fitted.Conversation(chat with { Messages = pending, Continues = continues }, context.Notes), null);
    }

    private static char DelimiterOf(string head)
    {
        var end = head.IndexOf('\n', StringComparison.Ordinal);
        var header = end < 0 ? head : head[..end];
        return Delimiters.MaxBy(delimiter => header.Count(letter => letter == delimiter));
    }
}
