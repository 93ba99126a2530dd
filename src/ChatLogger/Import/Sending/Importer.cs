using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>How far an import is, for the progress line.</summary>
internal readonly record struct ImportProgress((long Read, long Length)? Bytes, ImportCounts Counts);

/// <summary>
/// Imports a file: takes as many conversations as fill a batch, opens their chats, adds their messages in order, and notes in the journal
/// where it stands. One batch is under way at a time, so that what is done is always a beginning of the file.
/// </summary>
/// <param name="client">Sends.</param>
/// <param name="journal">Knows what was sent.</param>
/// <param name="users">Members here for members there, by id.</param>
/// <param name="clock">Tells the time of a line of the journal.</param>
internal sealed class Importer(
    ImportClient client, ImportJournal journal, IReadOnlyDictionary<string, string> users, TimeProvider clock)
{
    // Below the 1,000 items and 4 MiB that a service takes by default. A larger item is sent by itself, and refused.
    private const int WindowItems = 1_000;
    private const int WindowBytes = 8_000_000;

    private readonly List<FileEntry> _window = [];
    private readonly ImportBatch _batch = new(client, journal, clock);
    private ChatFilling? _continued;
    private int _items;
    private long _bytes;

    public ImportCounts Counts => _batch.Counts;

    /// <summary>Imports what the journal does not know as done.</summary>
    /// <exception cref="ImportStoppedException">
    /// The service does not take more, or the file cannot be read further; the journal knows where to go on.
    /// </exception>
    public async Task Run(ImportFile file, IProgress<ImportProgress>? progress, CancellationToken ct)
    {
        long place = 0;
        await foreach (var entry in file.Read(ct))
        {
            if (entry.IsEnd)
            {
                await SendWindow(ct);
                throw new ImportStoppedException($"{entry.Where}: {entry.Error}");
            }
            if (++place <= journal.Done)
                continue;
            _window.Add(entry);
            _items += 1 + (entry.Conversation?.Messages.Count ?? 0);
            _bytes += entry.Conversation?.Messages.Sum(message => SizeOf(message)) ?? 0;
            if (_items < WindowItems && _bytes < WindowBytes)
                continue;
            await SendWindow(ct);
            progress?.Report(new(file.Progress, Counts));
        }
        await SendWindow(ct);
        progress?.Report(new(file.Progress, Counts));
        await journal.Write(clock.GetUtcNow(), place, null, Counts, [], finished: true);
    }

    private static long SizeOf(ImportedMessage message) => 100 + (message.Content?.Length ?? 0)
        + (message.Parts.IsGiven() ? message.Parts.GetRawText().Length : 0)
        + (message.ToolCalls.IsGiven() ? message.ToolCalls.GetRawText().Length : 0)
        + (message.Metadata.IsGiven() ? message.Metadata.GetRawText().Length : 0);

    private async Task SendWindow(CancellationToken ct)
    {
        var chats = await OpenChats(ct);
        foreach (var (entry, own) in _window.Zip(chats))
        {
            if (entry.Conversation is { } conversation)
            {
                var filling = own ?? _continued ?? throw new InvalidOperationException("A piece of a conversation has no beginning.");
                await Fill(entry, conversation, filling, own is not null, ct);
                _continued = conversation.Continues ? filling : null;
            }
            else
            {
                _batch.Refuse(entry.Where, entry.Error!);
                _batch.EndEntry(_continued is not null);
            }
        }
        await _batch.Flush(ct);
        _window.Clear();
        (_items, _bytes) = (0, 0);
    }

    /// <summary>Opens the chats of the conversations that begin in this window; one for each entry, or null.</summary>
    private async Task<ChatFilling?[]> OpenChats(CancellationToken ct)
    {
        var (items, places) = (new List<ReadOnlyMemory<byte>>(), new List<int>());
        foreach (var (at, entry) in _window.Index())
        {
            if (entry.Conversation is not { From: 0 } conversation)
                continue;
            items.Add(ItemWriter.Chat(conversation, User(conversation)));
            places.Add(at);
        }
        var chats = new ChatFilling?[_window.Count];
        foreach (var (at, result) in places.Zip(await SendInParts(items, ct)))
        {
            var externalId = _window[at].Conversation!.ExternalId;
            chats[at] = result.Id is { } id
                ? await ChatFilling.Begin(externalId, id, result.Replayed, client, journal, ct)
                : ChatFilling.Refused(externalId, result.Refusal ?? "refused without a reason");
        }
        return chats;
    }

    private async Task<List<ItemResult>> SendInParts(List<ReadOnlyMemory<byte>> items, CancellationToken ct)
    {
        var results = new List<ItemResult>();
        for (var start = 0; start < items.Count;)
        {
            var (count, bytes) = (0, 0);
            while (start + count < items.Count && count < ImportBatch.MaxItems
                && (count == 0 || bytes + items[start + count].Length <= ImportBatch.MaxBytes))
                bytes += items[start + count++].Length;
            results.AddRange(await client.Send(items[start..(start + count)], ct));
            start += count;
        }
        return results;
    }

    private async Task Fill(
        FileEntry entry, ImportedConversation conversation, ChatFilling filling, bool isFirst, CancellationToken ct)
    {
        if (isFirst)
            CountChat(conversation, filling);
        _batch.BeginEntry(filling, conversation.From);
        if (filling.Problem is { } problem)
        {
            if (isFirst)
                _batch.Refuse(entry.Where, problem);
            _batch.EndEntry(conversation.Continues);
            return;
        }
        if (isFirst && conversation.Feedback is { } feedback && filling.IsAtStart)
            await _batch.Add([new(entry.Where, null, ItemWriter.Feedback(feedback, filling.ChatId, null))], ct);
        foreach (var (offset, message) in conversation.Messages.Index())
        {
            var index = conversation.From + offset;
            if (await filling.IsToBeSent(message, index))
                await _batch.Add(Items(entry, filling, message, index), ct);
            else
                _batch.Skip(index, index < filling.Counted);
        }
        if (!conversation.Continues && filling.Mismatch is { } mismatch)
            _batch.Refuse(entry.Where, mismatch);
        _batch.EndEntry(conversation.Continues);
    }

    private static List<BatchEntry> Items(FileEntry entry, ChatFilling filling, ImportedMessage message, int index)
    {
        var (where, key) = ($"{entry.Where}, message {index + 1}", filling.KeyOf(index));
        var item = new BatchEntry(where, index, ItemWriter.Message(message, filling.ChatId, key));
        return message.Feedback is { } rating
            ? [item, new($"{where}, rating", null, ItemWriter.Feedback(rating, filling.ChatId, key))]
            : [item];
    }

    private void CountChat(ImportedConversation conversation, ChatFilling filling)
    {
        if (filling.ChatId.Length == 0 || filling.Counted > 0)
            return;
        _batch.CountChat(filling.Existed);
        if (conversation.UserId is { Length: > 0 } && User(conversation) is null)
            _batch.CountDroppedUser();
    }

    private string? User(ImportedConversation conversation) =>
        conversation.UserId is { Length: > 0 } user ? users.GetValueOrDefault(user) : null;
}
