using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Import;

/// <summary>What a journal belongs to: the same file, imported to the same place in the same way.</summary>
internal sealed record ImportIdentity(string Target, string Options, long FileBytes, string FileHead);

/// <summary>An entry, or a message of it, that was refused, with the sentence.</summary>
internal sealed record Refusal(string Where, string Said);

/// <summary>The chat whose messages are being sent, and how many of them were.</summary>
internal sealed record OpenChat(string ExternalId, string ChatId, int Messages);

/// <summary>The numbers of the report.</summary>
internal sealed record ImportCounts(
    long Chats = 0, long ChatsThere = 0, long Messages = 0, long MessagesThere = 0, long Feedback = 0, long Refused = 0,
    long UsersDropped = 0);

/// <summary>
/// Where an import stands, in a file beside the one that it imports: a line for each batch that was answered, on the disk before the next
/// one is sent. A line that was cut off is one that is missing: its batch is sent again.
/// </summary>
internal sealed class ImportJournal : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly FileStream _file;
    private long _start;

    private ImportJournal(FileStream file) => _file = file;

    private sealed record Line(
        ImportIdentity? Import = null, DateTimeOffset? At = null, long? Done = null, OpenChat? Open = null, ImportCounts? Counts = null,
        IReadOnlyList<Refusal>? Refused = null, bool? Finished = null);

    /// <summary>The number of entries of the file that need nothing more.</summary>
    public long Done { get; private set; }

    /// <summary>The chat that was being filled.</summary>
    public OpenChat? Open { get; private set; }

    public ImportCounts Counts { get; private set; } = new();

    /// <summary>When this import began for the first time.</summary>
    public DateTimeOffset BeganAt { get; private set; }

    /// <summary>When the last line was written.</summary>
    public DateTimeOffset? LastAt { get; private set; }

    /// <summary>Whether the import has come to the end of the file.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Opens the journal, or begins it.</summary>
    /// <exception cref="ImportException">It belongs to another import, is in use, or cannot be written.</exception>
    public static async Task<ImportJournal> OpenAsync(
        string path, ImportIdentity identity, DateTimeOffset now, CancellationToken ct)
    {
        FileStream file;
        try
        {
            file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ImportException(
                $"The journal cannot be opened: {failure.Message} Is another import of this file running? --journal names another place.");
        }
        var journal = new ImportJournal(file);
        try
        {
            if (!await journal.Resume(identity, ct))
                await journal.Begin(identity, now, ct);
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes where the import stands, and returns when that is on the disk.</summary>
    public async Task Write(
        DateTimeOffset at, long done, OpenChat? open, ImportCounts counts, IReadOnlyList<Refusal> refused, bool finished = false)
    {
        await Append(new(
            At: at, Done: done, Open: open, Counts: counts, Refused: refused.Count > 0 ? refused : null, Finished: finished ? true : null));
        (Done, Open, Counts, LastAt, IsFinished) = (done, open, counts, at, finished);
    }

    /// <summary>Everything that was refused, read from the disk: it may be much.</summary>
    public async IAsyncEnumerable<Refusal> Refusals()
    {
        _file.Position = _start;
        var buffer = new ReadBuffer(_file);
        await foreach (var piece in Lines.Split(buffer, CancellationToken.None))
        {
            foreach (var refusal in JsonSerializer.Deserialize<Line>(piece.Bytes.Span, Format)?.Refused ?? [])
                yield return refusal;
        }
        _file.Position = _file.Length;
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();

    private async Task<bool> Resume(ImportIdentity identity, CancellationToken ct)
    {
        var buffer = new ReadBuffer(_file);
        ImportIdentity? found = null;
        long end = 0;
        await foreach (var piece in Lines.Split(buffer, ct))
        {
            // The last line counts only with its line end.
            var after = end + piece.Bytes.Length + 1;
            if (after > _file.Length || Parse(piece.Bytes.Span) is not { } line)
                break;
            if (line.Import is { } import)
            {
                (found, _start, BeganAt) = (import, end, line.At ?? DateTimeOffset.MaxValue);
                (Done, Open, Counts, LastAt, IsFinished) = (0, null, new(), null, false);
            }
            else
            {
                (Done, Open, Counts, LastAt, IsFinished) =
                    (line.Done ?? Done, line.Open, line.Counts ?? Counts, line.At ?? LastAt, line.Finished == true);
            }
            end = after;
        }
        _file.SetLength(end);
        _file.Position = end;
        if (found is not null && (found.Target, found.Options) != (identity.Target, identity.Options))
        {
            throw new ImportException(
                $"{_file.Name} is the journal of another import, to {found.Target} with {found.Options}. Remove it to begin anew: what is "
                + "in the service is recognized.");
        }
        return found == identity;
    }

    private Task Begin(ImportIdentity identity, DateTimeOffset now, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        (_start, BeganAt) = (_file.Position, now);
        (Done, Open, Counts, LastAt, IsFinished) = (0, null, new(), null, false);
        return Append(new(identity, now));
    }

    private static Line? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<Line>(line, Format);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task Append(Line line)
    {
        await _file.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(line, Format), (byte)'\n']);
        _file.Flush(flushToDisk: true);
    }
}
