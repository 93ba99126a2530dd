using ChatLogger.Data;
using ChatLogger.Rollups;

namespace ChatLogger.Features;

/// <summary>
/// Statistics of the chats that were created in a range of time. The range is divided into spans, each of which ends where the next begins;
/// any number of spans add up to one slot.
/// </summary>
internal sealed class ConversationSlots(IReadOnlyList<(DateTimeOffset Start, int Slot)> spans, DateTimeOffset end, int slots)
{
    private readonly SlotSpans _spans = new(spans, end);
    private readonly ConversationCounts[] _counts = [.. Enumerable.Range(0, slots).Select(_ => new ConversationCounts())];

    public ConversationCounts this[int slot] => _counts[slot];

    /// <summary>Adds what is counted: whole buckets from the rollups, the chats of partial ones from their sums.</summary>
    public async Task Read(Sql.Transaction snapshot, Guid orgId, TagFilter tag)
    {
        var (ranges, slotOf, partials) = _spans.Cut();
        foreach (var row in await RollupSql.CellsBefore(RollupCells.Kind.Model, snapshot, orgId, tag.Id, ranges))
            RollupCells.Read(row.Cells, 0, counts: null, _counts[slotOf[row.No - 1]]);
        foreach (var partial in partials)
            Add(await ChatSumRows.CreatedIn(snapshot, orgId, tag.Id == 0 ? [] : [tag.Id], partial.Start, partial.End));
    }

    /// <summary>Adds what is counted of the chats with tags.</summary>
    public async Task ReadSums(Sql.Transaction snapshot, Guid orgId, string[] tags, DateTimeOffset from) =>
        Add(await ChatSumRows.CreatedIn(
            snapshot, orgId, await DimensionIds.OfTags(snapshot, orgId, tags), from.UtcDateTime, end.UtcDateTime));

    /// <summary>
    /// Adds events that are not counted yet: the statistics of their chats are those of before and these. False: a greatest value cannot be
    /// told from both.
    /// </summary>
    public async Task<bool> Add(Sql.Transaction snapshot, Guid orgId, string[] tags, IReadOnlyList<AnalyticsEvent> events)
    {
        if (events.Count == 0)
            return true;
        var chats = (await snapshot.QueryAsync<Chat>(
            "select id, created_at from chats where org_id = @OrgId and id = any(@Chats) and tags @> @Tags and deleted_at is null",
            new { OrgId = orgId, Tags = tags, Chats = events.Select(what => what.ChatId).Distinct().ToArray() }))
            .Where(chat => _spans.Contains(TimeBuckets.Milliseconds(chat.CreatedAt)))
            .ToDictionary(chat => chat.Id, chat => TimeBuckets.Milliseconds(chat.CreatedAt));
        var counted = await ChatSumRows.Read(snapshot, orgId, [.. chats.Keys]);
        var isExact = true;
        foreach (var chat in events.Where(what => chats.ContainsKey(what.ChatId)).GroupBy(what => what.ChatId))
        {
            var slot = _counts[_spans.SlotOf(chats[chat.Key])];
            if (counted.TryGetValue(chat.Key, out var sum))
                isExact &= slot.Replace(Conversation.Of(sum), After(sum, chat));
            else
                slot.Add(After(new ChatSum(chat.Key, chats[chat.Key], default), chat));
        }
        return isExact;
    }

    private static Conversation After(ChatSum sum, IEnumerable<AnalyticsEvent> events)
    {
        foreach (var what in events)
            sum.Add(what, 0);
        return Conversation.Of(sum);
    }

    private void Add(IReadOnlyList<ChatSum> sums)
    {
        foreach (var sum in sums)
            _counts[_spans.SlotOf(sum.CreatedAt)].Add(Conversation.Of(sum));
    }

    private sealed record Chat(Guid Id, DateTime CreatedAt);
}
