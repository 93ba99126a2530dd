using ChatLogger.Data;

namespace ChatLogger.Rollups;

/// <summary>
/// Aggregates one batch of changes of an organization, in a transaction that holds the lock of the offset: it brings the sums of the chats
/// up to date, and moves what has changed in them in the rollups. The sums hold the state of a chat, its tags for one, as it was counted;
/// so a chat that was deleted or changed in between is moved as a whole, whichever of its changes are in this batch.
/// </summary>
internal sealed class Aggregation
{
    private readonly Sql.Transaction _transaction;
    private readonly Guid _orgId;
    private readonly long _upTo;
    // By tag (0: all chats) and quarter.
    private readonly Dictionary<(int Tag, long Start), RollupBucket> _added = [];
    private readonly Dictionary<(int Tag, long Start), RollupBucket> _removed = [];
    private readonly Dictionary<Guid, ChatSum> _sums = [];
    private readonly Dictionary<(Guid ChatId, long Start), ChatQuarter> _quarters = [];
    private readonly List<Guid> _deleted = [];

    private Aggregation(Sql.Transaction transaction, Guid orgId, long upTo) => (_transaction, _orgId, _upTo) = (transaction, orgId, upTo);

    /// <summary>Aggregates the changes after one number and up to another.</summary>
    public static async Task Run(Sql.Transaction transaction, Guid orgId, long after, long upTo)
    {
        var events = await RollupSql.Read(transaction, RollupSql.Arrived, new { OrgId = orgId, After = after, UpTo = upTo });
        var changes = await transaction.QueryAsync<Change>(
            """
            select distinct chat_id, message_at
            from organization_events
            where org_id = @OrgId
              and seq > @After
              and seq <= @UpTo
            """,
            new { OrgId = orgId, After = after, UpTo = upTo });
        if (events.Count == 0 && changes.Count == 0)
            return;
        await new Aggregation(transaction, orgId, upTo).Run(events, changes);
    }

    private async Task Run(List<AnalyticsEvent> events, IReadOnlyList<Change> changes)
    {
        var chatIds = events.Select(what => what.ChatId).Concat(changes.Select(change => change.ChatId)).Distinct().ToArray();
        var counted = await ChatSumRows.Read(_transaction, _orgId, chatIds);
        var live = (await _transaction.QueryAsync<Chat>(
            """
            select k.id, c.created_at, c.user_id, c.external_user_id, c.tags
            from unnest(@Chats) as k(id)
            cross join lateral (
                select created_at, user_id, external_user_id, tags
                from chats
                where org_id = @OrgId
                  and id >= k.id
                  and id <= k.id
                  and deleted_at is null
                order by id
                limit 1
            ) c
            """,
            new { OrgId = _orgId, Chats = chatIds })).ToDictionary(chat => chat.Id);
        var names = DimensionIds.NamesOf(events.Where(what => live.ContainsKey(what.ChatId)));
        foreach (var chat in live.Values)
            chat.AddNames(names);
        var ids = await DimensionIds.Of(_transaction, _orgId, names, mayAdd: true);

        var eventsOf = events.ToLookup(what => what.ChatId);
        var recounted = changes
            .Where(change => change.MessageAt is not null && live.ContainsKey(change.ChatId))
            .Select(change => (change.ChatId, Start: QuarterOf(TimeBuckets.Milliseconds(change.MessageAt!.Value))))
            .Distinct()
            .ToLookup(quarter => quarter.ChatId, quarter => quarter.Start);
        var moved = counted.Values
            .Where(sum => !live.TryGetValue(sum.ChatId, out var chat)
                || recounted.Contains(sum.ChatId)
                || !ids.Tags(chat.Tags).ToHashSet().SetEquals(sum.Tags))
            .Select(sum => sum.ChatId)
            .ToHashSet();
        var whole = (await ChatSumRows.ReadQuarters(_transaction, _orgId, [.. moved]))
            .ToLookup(row => row.ChatId, row => (Start: row.StartMs, Quarter: row.ToQuarter()));
        await ReadQuarters(events, live, moved, whole, recounted.SelectMany(chat => chat.Select(start => (chat.Key, start))));

        foreach (var chatId in chatIds)
        {
            var sum = counted.GetValueOrDefault(chatId);
            if (!live.TryGetValue(chatId, out var chat))
                Remove(chatId, sum, whole[chatId]);
            else
                await Count(chat, sum, ids, [.. eventsOf[chatId]], [.. whole[chatId]], [.. recounted[chatId]]);
        }
        await Write();
    }

    private void Remove(Guid chatId, ChatSum? sum, IEnumerable<(long Start, ChatQuarter Quarter)> quarters)
    {
        if (sum is null)
            return;
        foreach (var (start, quarter) in quarters)
            QuarterBuckets.AddTo(_removed, sum.Tags, start, quarter, sum);
        foreach (var tag in QuarterBuckets.WithAll(sum.Tags))
            QuarterBuckets.At(_removed, tag, QuarterOf(sum.CreatedAt)).Conversations.Add(Conversation.Of(sum));
        _deleted.Add(chatId);
    }

    private async Task Count(
        Chat chat, ChatSum? counted, DimensionIds ids, AnalyticsEvent[] events, (long Start, ChatQuarter Quarter)[] whole,
        long[] recounted)
    {
        var created = TimeBuckets.Milliseconds(chat.CreatedAt);
        var before = counted is null ? (Conversation?)null : Conversation.Of(counted);
        var sum = counted ?? new ChatSum(chat.Id, created, ids.Person(chat.UserId, chat.ExternalUserId));
        var (oldTags, newTags) = (sum.Tags, ids.Tags(chat.Tags));
        sum.Tags = newTags;
        foreach (var (start, quarter) in whole)
        {
            if (!recounted.Contains(start))
                Retag(quarter, start, sum, oldTags);
        }
        foreach (var start in recounted)
        {
            if (whole.FirstOrDefault(each => each.Start == start).Quarter is { } quarter)
                QuarterBuckets.AddTo(_removed, oldTags, start, quarter, sum);
        }
        foreach (var what in events)
        {
            var (start, model) = (QuarterOf(what.At), ids.Model(what));
            Quarter(chat.Id, start).Add(what, model);
            sum.Add(what, model);
            if (recounted.Contains(start))
                continue;
            foreach (var tag in QuarterBuckets.WithAll(newTags))
                QuarterBuckets.At(_added, tag, start).Add(what, sum.Person, newTags, model);
        }
        if (recounted.Length > 0)
        {
            foreach (var start in recounted)
                await Recount(chat.Id, start);
            foreach (var start in recounted)
                QuarterBuckets.AddTo(_added, newTags, start, Quarter(chat.Id, start), sum);
            var all = whole.Where(each => !_quarters.ContainsKey((chat.Id, each.Start))).Select(each => each.Quarter)
                .Concat(_quarters.Where(each => each.Key.ChatId == chat.Id).Select(each => each.Value));
            sum.Recount(all);
        }
        _sums[chat.Id] = sum;
        var (beginning, after) = (QuarterOf(created), Conversation.Of(sum));
        if (before is { } conversation)
        {
            foreach (var tag in QuarterBuckets.WithAll(oldTags).Where(tag => before != after || (tag != 0 && !newTags.Contains(tag))))
                QuarterBuckets.At(_removed, tag, beginning).Conversations.Add(conversation);
        }
        foreach (var tag in QuarterBuckets.WithAll(newTags).Where(tag => before != after || (tag != 0 && !oldTags.Contains(tag))))
            QuarterBuckets.At(_added, tag, beginning).Conversations.Add(after);
    }

    // Moves a quarter of a chat from its former tags to those that it has now.
    private void Retag(ChatQuarter quarter, long start, ChatSum sum, int[] oldTags)
    {
        int[] gone = [.. oldTags.Except(sum.Tags)], come = [.. sum.Tags.Except(oldTags)];
        foreach (var tag in QuarterBuckets.WithAll(oldTags.Intersect(sum.Tags)))
        {
            if (gone.Length > 0)
                quarter.AddTagsTo(QuarterBuckets.At(_removed, tag, start), gone);
            if (come.Length > 0)
                quarter.AddTagsTo(QuarterBuckets.At(_added, tag, start), come);
        }
        foreach (var tag in gone)
            quarter.AddTo(QuarterBuckets.At(_removed, tag, start), sum, oldTags);
        foreach (var tag in come)
            quarter.AddTo(QuarterBuckets.At(_added, tag, start), sum, sum.Tags);
    }

    // Counts the messages of a quarter again, of which one was deleted; what this batch adds to it is among them.
    private async Task Recount(Guid chatId, long start)
    {
        var quarter = Quarter(chatId, start).WithoutMessages();
        var end = start + TimeBuckets.Length(TimeBuckets.Quarter);
        var messages = await RollupSql.Read(
            _transaction,
            RollupSql.OfQuarters,
            new
            {
                OrgId = _orgId,
                Chats = new[] { chatId },
                Starts = new[] { TimeBuckets.Instant(start) },
                Ends = new[] { TimeBuckets.Instant(end) },
                UpTo = _upTo,
            });
        var models = await DimensionIds.Of(
            _transaction, _orgId, [.. messages.Select(message => message.Model).OfType<string>().Select(DimensionIds.Model)], mayAdd: true);
        foreach (var message in messages)
            quarter.Add(message, models.Model(message));
        _quarters[(chatId, start)] = quarter;
    }

    private async Task ReadQuarters(
        List<AnalyticsEvent> events, Dictionary<Guid, Chat> live, HashSet<Guid> moved,
        ILookup<Guid, (long Start, ChatQuarter Quarter)> whole, IEnumerable<(Guid ChatId, long Start)> recounted)
    {
        var touched = events
            .Where(what => live.ContainsKey(what.ChatId))
            .Select(what => (what.ChatId, Start: QuarterOf(what.At)))
            .Concat(recounted)
            .ToHashSet();
        foreach (var row in await ChatSumRows.ReadQuarters(
            _transaction, _orgId, [.. touched.Where(quarter => !moved.Contains(quarter.ChatId))]))
        {
            _quarters[(row.ChatId, row.StartMs)] = row.ToQuarter();
        }
        foreach (var (chatId, start) in touched.Where(quarter => moved.Contains(quarter.ChatId)))
        {
            // A copy: the counts of before are still needed.
            if (whole[chatId].FirstOrDefault(each => each.Start == start).Quarter is { } quarter)
                _quarters[(chatId, start)] = RollupCodec.Quarter(RollupCodec.Of(quarter, start), start);
        }
    }

    private async Task Write()
    {
        if (_deleted.Count > 0)
            await ChatSumRows.Delete(_transaction, _orgId, [.. _deleted]);
        await ChatSumRows.Write(_transaction, _orgId, [.. _sums.Values]);
        await ChatSumRows.Write(_transaction, _orgId, _quarters);
        await RollupTiers.Move(_transaction, _orgId, _added, _removed);
    }

    private ChatQuarter Quarter(Guid chatId, long start)
    {
        if (!_quarters.TryGetValue((chatId, start), out var quarter))
            _quarters.Add((chatId, start), quarter = new ChatQuarter());
        return quarter;
    }

    private static long QuarterOf(long at) => TimeBuckets.StartOf(TimeBuckets.Quarter, at);

    private sealed record Change(Guid ChatId, DateTime? MessageAt);

    private sealed record Chat(Guid Id, DateTime CreatedAt, Guid? UserId, string? ExternalUserId, string[] Tags)
    {
        public void AddNames(HashSet<string> names)
        {
            if (UserId is { } userId)
                names.Add(DimensionIds.Member(userId));
            if (ExternalUserId is { } externalUserId)
                names.Add(DimensionIds.EndUser(externalUserId));
            foreach (var tag in Tags)
                names.Add(DimensionIds.Tag(tag));
        }
    }
}
