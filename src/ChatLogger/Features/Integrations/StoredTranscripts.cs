using System.Globalization;
using ChatLogger.Data;
using ChatLogger.Ingest;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A conversation, and the last message that it has; null: none.</summary>
internal sealed record StoredConversation(Guid ChatId, Guid? LastMessageId);

/// <summary>
/// Reads what conversations have, for integrations whose senders repeat it. What was read or written of a conversation is kept in memory
/// for a while, and used for as long as the conversation ends as it did then.
/// </summary>
internal sealed class StoredTranscripts([FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db, IngestSettings settings, TimeProvider time)
    : IDisposable
{
    /// <summary>How many messages are kept of all conversations; each takes about 150 bytes.</summary>
    private const int MostKept = 50_000;

    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The keys of messages that integrations write: this and the number of the message in its conversation. An Idempotency-Key of a
    /// caller is ASCII, so it is never one of these.
    /// </summary>
    private const string KeyPrefix = "¶";

    private readonly MemoryCache _kept = new(new MemoryCacheOptions { SizeLimit = MostKept });

    public static string Key(int position) => KeyPrefix + position.ToString(CultureInfo.InvariantCulture);

    /// <summary>Returns the conversations that have these external ids.</summary>
    public async Task<Dictionary<string, StoredConversation>> Find(Guid orgId, IEnumerable<string> externalIds, CancellationToken ct)
    {
        var found = await db.ReadAsync<ConversationRow>(
            """
            select c.external_id, c.id, (
                       select m.id
                       from messages m
                       where m.org_id = @OrgId
                         and m.chat_id = c.id
                       order by m.seq desc
                       limit 1
                   ) as last_message_id
            from chats c
            where c.org_id = @OrgId
              and c.external_id = any(@ExternalIds)
              and c.deleted_at is null
            """,
            new { OrgId = orgId, ExternalIds = externalIds.Distinct(StringComparer.Ordinal).ToArray() },
            ct);
        return found.ToDictionary(
            row => row.ExternalId, row => new StoredConversation(row.Id, row.LastMessageId), StringComparer.Ordinal);
    }

    /// <summary>
    /// Returns the messages of each of these conversations, as <see cref="Read"/> does, but from memory where the conversation still ends
    /// with the message that is the last one there. A message that was deleted before it is then known as if it were there.
    /// </summary>
    public async Task<IReadOnlyDictionary<Guid, List<KnownMessage>>> Recall(
        Guid orgId, IReadOnlyCollection<StoredConversation> conversations, CancellationToken ct)
    {
        var found = new Dictionary<Guid, List<KnownMessage>>();
        foreach (var (chatId, last) in conversations)
        {
            if (last is not null && _kept.TryGetValue((orgId, chatId), out Kept? kept) && kept!.LastMessageId == last)
                found[chatId] = [.. kept.Messages];
        }
        List<Guid> others = [.. conversations.Select(each => each.ChatId).Where(chat => !found.ContainsKey(chat)).Distinct()];
        foreach (var (chatId, messages) in await Read(orgId, others, ct))
            found[chatId] = messages;
        return found;
    }

    /// <summary>Keeps what a conversation has.</summary>
    public void Keep(Guid orgId, Guid chatId, IReadOnlyList<KnownMessage> messages)
    {
        if (messages.LastOrDefault(message => message.Id is not null).Id is not { } last)
            return;
        var newest = messages.Skip(Math.Max(0, messages.Count - History.MostCompared)).ToArray();
        var options = new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = KeptFor, Size = newest.Length };
        _kept.Set((orgId, chatId), new Kept(last, newest), options);
    }

    public void Dispose() => _kept.Dispose();

    /// <summary>Returns the messages of each of these chats, in order, with those that were deleted within the last day.</summary>
    public async Task<IReadOnlyDictionary<Guid, List<KnownMessage>>> Read(Guid orgId, IReadOnlyCollection<Guid> chats, CancellationToken ct)
    {
        if (chats.Count == 0)
            return new Dictionary<Guid, List<KnownMessage>>();
        // The keys first: a message that is written in between is then known without its number, and never has a number without itself.
        var keys = await db.ReadAsync<KeyRow>(
            """
            select parent_id, key, body_sha256, target_id
            from idempotency_keys
            where org_id = @OrgId
              and route = @Route
              and parent_id = any(@Chats)
              and key like @Prefix
              and created_at > @Forgotten
            """,
            new
            {
                OrgId = orgId,
                BatchWriter.Route,
                Chats = chats.ToArray(),
                Prefix = KeyPrefix + "%",
                Forgotten = time.GetUtcNow() - settings.KeyRetention,
            },
            ct);
        var messages = await db.ReadAsync<MessageRow>(
            $"""
            select m.chat_id, m.id, m.role, m.exchange_id, m.question_of, sha256(convert_to(
                       m.role || E'\x01' || m.content || E'\x01' || coalesce(m.parts, '') || E'\x01' || coalesce(m.tool_calls, '')
                       || E'\x01' || coalesce(m.tool_call_id, ''), 'UTF8')) as sha256
            from unnest(@Chats::uuid[]) as k(chat_id)
            cross join lateral (
                select m.chat_id, m.seq, m.id, m.role, m.content, m.parts::text as parts, m.tool_calls::text as tool_calls, m.tool_call_id,
                       coalesce(m.metadata ->> 'spanId', m.metadata ->> 'observationId', m.metadata ->> 'runId') as exchange_id,
                       m.metadata ->> '{OpenQuestion.Member}' as question_of
                from messages m
                where m.org_id = @OrgId
                  and m.chat_id = k.chat_id
                order by m.seq desc
                limit @MostCompared
            ) m
            order by m.chat_id, m.seq
            """,
            new { OrgId = orgId, Chats = chats.Select(chat => chat.ToString()).ToArray(), History.MostCompared },
            ct);
        var found = chats.ToDictionary(chat => chat, _ => new List<KnownMessage>());
        var positions = keys.ToDictionary(
            key => key.TargetId, key => int.Parse(key.Key.AsSpan(KeyPrefix.Length), CultureInfo.InvariantCulture));
        foreach (var row in messages)
        {
            int? position = positions.TryGetValue(row.Id, out var at) ? at : null;
            found[row.ChatId].Add(new(row.Id, row.Role, Fingerprint.Of(row.Sha256), row.ExchangeId, position, row.QuestionOf));
        }
        AddDeleted(found, keys, positions, [.. messages.Select(message => message.Id)]);
        return found;
    }

    // A deleted message is known until its key expires: it stands before the first message that was written after it.
    private static void AddDeleted(
        Dictionary<Guid, List<KnownMessage>> found, IReadOnlyList<KeyRow> keys, Dictionary<Guid, int> positions, HashSet<Guid> there)
    {
        foreach (var key in keys.Where(key => !there.Contains(key.TargetId)))
        {
            var (known, position) = (found[key.ParentId], positions[key.TargetId]);
            var at = known.FindIndex(message => message.Position > position);
            known.Insert(at < 0 ? known.Count : at, new(null, null, Fingerprint.Of(key.BodySha256), null, position));
        }
    }

    private sealed record Kept(Guid LastMessageId, KnownMessage[] Messages);

    private sealed record ConversationRow(string ExternalId, Guid Id, Guid? LastMessageId);

    private sealed record KeyRow(Guid ParentId, string Key, byte[] BodySha256, Guid TargetId);

    private sealed record MessageRow(Guid ChatId, Guid Id, string Role, string? ExchangeId, string? QuestionOf, byte[] Sha256);
}
