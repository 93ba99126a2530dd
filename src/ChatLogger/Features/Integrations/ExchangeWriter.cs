using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;

namespace ChatLogger.Features;

/// <summary>
/// Writes exchanges that integrations have received, each message once and in order, however often and in whatever pieces they are sent,
/// and also when several instances receive the same conversation at once.
/// </summary>
internal sealed class ExchangeWriter(
    BatchWriter writer, StoredTranscripts transcripts, BatchRules rules, Limits limits, IdGenerator ids, GonePieces gonePieces,
    Instruments instruments, TimeProvider time)
{
    /// <summary>
    /// The most messages that an exchange may have, more than a model reads. Each may be compared with a thousand that are there, which
    /// takes memory and a processor.
    /// </summary>
    private const int MostMessages = 10_000;

    /// <summary>
    /// Writes the exchanges and returns, for each, why it or a part of it was refused; null: it is there, or its conversation was deleted.
    /// </summary>
    /// <exception cref="ProblemException">Some could not be written just now; all should be sent again.</exception>
    public async Task<ProblemException?[]> Write(PluginCaller caller, IReadOnlyList<Exchange> exchanges, CancellationToken ct)
    {
        var results = new ProblemException?[exchanges.Count];
        var now = time.GetUtcNow();
        var conversations = new List<(NewChat Chat, List<int> Exchanges)>();
        var due = Enumerable.Range(0, exchanges.Count).Where(at => Admit(at)).GroupBy(at => exchanges[at].ConversationId);
        foreach (var conversation in due)
        {
            List<int> inOrder = [.. conversation.OrderBy(at => exchanges[at].StartedAt)];
            if (TryMakeChat(caller, exchanges[inOrder[0]], inOrder.ConvertAll(at => exchanges[at]), now, out var chat) is { } refusal)
                inOrder.ForEach(at => results[at] = refusal);
            else
                conversations.Add((chat!, inOrder));
        }
        if (conversations.Count == 0)
            return results;

        var there = await transcripts.Find(caller.OrgId, conversations.Select(each => each.Chat.Chat.ExternalId!), ct);
        var opened = await Open(conversations.ConvertAll(each => each.Chat), there, ct);
        var existing = opened.Where(chat => chat is { Error: null, Replayed: true }).Select(chat => chat.Id).Distinct();
        var last = there.Values.ToDictionary(each => each.ChatId, each => each.LastMessageId);
        var known = await transcripts.Recall(
            caller.OrgId, [.. existing.Select(id => new StoredConversation(id, last.GetValueOrDefault(id)))], ct);
        // Their senders repeat what was said, and are not told: there is nothing that they could do.
        var gone = conversations.Where((_, at) => opened[at].Error is { IsDeleted: true }).SelectMany(each => each.Exchanges).ToList();
        instruments.Dropped(gone.Count);
        await gonePieces.Drop(
            caller.OrgId, [.. gone.SelectMany(at => exchanges[at].Names).Select(ForeignIds.Conversation).Distinct()], ct);
        await Task.WhenAll(conversations.Select(async (conversation, at) =>
        {
            if (opened[at].Error is { IsDeleted: true })
                return;
            if (opened[at].Error is { } why)
            {
                conversation.Exchanges.ForEach(exchange => results[exchange] = why);
                return;
            }
            var chatId = opened[at].Id;
            var writing = new ConversationWriter(
                caller, chatId, known.GetValueOrDefault(chatId) ?? [], writer, transcripts, rules, limits, ids, now);
            foreach (var exchange in conversation.Exchanges)
            {
                // All will be sent again. What follows would then stand before this one.
                if ((results[exchange] = await writing.Write(exchanges[exchange], ct))?.Type == ProblemType.Unavailable)
                    break;
            }
            transcripts.Keep(caller.OrgId, chatId, writing.Known);
        }));
        return Array.Find(results, result => result?.Type == ProblemType.Unavailable) is { } unavailable ? throw unavailable : results;

        bool Admit(int at)
        {
            results[at] = exchanges[at].Count > MostMessages
                ? ProblemException.Validation("messages", "An exchange may have at most 10,000 messages.")
                : CreationTime.Refuse(exchanges[at].StartedAt, caller, now);
            return results[at] is null;
        }
    }

    // Most conversations are there already, and to open a chat takes a turn in the log of the organization.
    private async Task<BatchItemResult[]> Open(List<NewChat> chats, Dictionary<string, StoredConversation> there, CancellationToken ct)
    {
        var opened = chats.ConvertAll(chat =>
            there.TryGetValue(chat.Chat.ExternalId!, out var stored) ? new BatchItemResult(stored.ChatId, true, null) : default);
        var missing = Enumerable.Range(0, chats.Count).Where(at => !opened[at].Replayed).ToList();
        if (missing.Count > 0)
        {
            var made = missing.ConvertAll(at => chats[at]);
            writer.Capacity.Reserve([.. made]);
            foreach (var (at, result) in missing.Zip(await writer.Open(made, ct)))
                opened[at] = result;
        }
        return [.. opened];
    }

    // The chat has what the first of its exchanges says about it; one that is there already stays as it is.
    private ProblemException? TryMakeChat(
        PluginCaller caller, Exchange first, List<Exchange> exchanges, DateTimeOffset now, out NewChat? chat)
    {
        chat = null;
        var tags = exchanges.SelectMany(exchange => exchange.Tags)
            .Select(tag => StorableText.Of(tag.Trim()).Beginning(limits.TagLength)!)
            .Where(tag => tag.Length > 0)
            .Distinct(StringComparer.Ordinal)
            .Take(limits.Tags);
        var command = new CreateChat.Request(
            StorableText.Of(first.ConversationId),
            StorableText.OfOptional(exchanges.Find(exchange => exchange.Title is not null)?.Title).Beginning(limits.NameLength),
            [.. tags],
            null,
            StorableText.OfOptional(exchanges.Find(exchange => exchange.ExternalUserId is not null)?.ExternalUserId)
                .Beginning(limits.ExternalUserIdLength),
            null,
            first.StartedAt < now ? first.StartedAt : now).By(caller, null);
        var found = rules.Chats.Validate(command);
        if (!found.IsValid)
            return ProblemException.Validation(found.Errors);
        var (id, made) = ids.Next();
        chat = command.ToChat(id, command.CreatedAt.Or(made));
        return null;
    }
}
