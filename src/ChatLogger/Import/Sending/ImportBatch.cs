namespace ChatLogger.Import;

/// <summary>An item of a batch: a message with this index, or a rating.</summary>
internal sealed record BatchEntry(string Where, int? Message, byte[] Item);

/// <summary>
/// Collects messages and ratings of one conversation after the other, sends them whenever a batch is full, and writes into the journal what
/// became of them.
/// </summary>
internal sealed class ImportBatch(ImportClient client, ImportJournal journal, TimeProvider clock)
{
    public const int MaxItems = 1_000;
    public const int MaxBytes = 3_500_000;

    private readonly List<BatchEntry> _items = [];
    private readonly List<Refusal> _refused = [];
    private ChatFilling? _filling;
    private long _done = journal.Done;
    private long _pieces;
    private int _next;
    private int _bytes;
    private bool _hasNews;

    public ImportCounts Counts { get; private set; } = journal.Counts;

    public void BeginEntry(ChatFilling filling, int from) => (_filling, _next) = (filling, from);

    /// <summary>
    /// Ends an entry. One that is continued is done only with the last piece: a later run must see the conversation from its beginning.
    /// </summary>
    public void EndEntry(bool continues = false)
    {
        _pieces++;
        _hasNews = true;
        if (continues)
            return;
        (_done, _pieces, _filling) = (_done + _pieces, 0, null);
    }

    /// <summary>Notes that a message is there already.</summary>
    public void Skip(int message, bool isCounted)
    {
        _next = message + 1;
        if (!isCounted)
            Counts = Counts with { MessagesThere = Counts.MessagesThere + 1 };
    }

    public void Refuse(string where, string sentence)
    {
        _refused.Add(new(where, sentence));
        Counts = Counts with { Refused = Counts.Refused + 1 };
        _hasNews = true;
    }

    public void CountChat(bool wasThere) => Counts = wasThere
        ? Counts with { ChatsThere = Counts.ChatsThere + 1 }
        : Counts with { Chats = Counts.Chats + 1 };

    public void CountDroppedUser() => Counts = Counts with { UsersDropped = Counts.UsersDropped + 1 };

    /// <summary>Adds items that go in one request: a rating names its message by a ref, which is known there only.</summary>
    public async Task Add(IReadOnlyList<BatchEntry> items, CancellationToken ct)
    {
        var bytes = items.Sum(item => item.Item.Length + 1);
        if (_items.Count > 0 && (_items.Count + items.Count > MaxItems || _bytes + bytes > MaxBytes))
            await Flush(ct);
        _items.AddRange(items);
        _bytes += bytes;
        if (items[0].Message is { } message)
            _next = message + 1;
    }

    /// <summary>Sends what there is, and writes the journal.</summary>
    public async Task Flush(CancellationToken ct)
    {
        if (_items.Count > 0)
        {
            var results = await client.Send(_items.ConvertAll(item => (ReadOnlyMemory<byte>)item.Item), ct);
            foreach (var (item, result) in _items.Zip(results))
                Count(item, result);
            _items.Clear();
            _bytes = 0;
            _hasNews = true;
        }
        if (!_hasNews)
            return;
        // From here on the items are done; a cancelled import still says so.
        await journal.Write(
            clock.GetUtcNow(),
            _done,
            _filling is { Problem: null } ? new(_filling.ExternalId, _filling.ChatId, _next) : null,
            Counts,
            [.. _refused]);
        _refused.Clear();
        _hasNews = false;
    }

    private void Count(BatchEntry item, ItemResult result)
    {
        if (result.Status is not (200 or 201))
            Refuse(item.Where, result.Refusal ?? $"refused with status {result.Status}");
        else if (item.Message is null)
            Counts = Counts with { Feedback = Counts.Feedback + 1 };
        else if (result.Replayed)
            Counts = Counts with { MessagesThere = Counts.MessagesThere + 1 };
        else
            Counts = Counts with { Messages = Counts.Messages + 1 };
    }
}
