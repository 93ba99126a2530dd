using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Webhooks;

/// <summary>
/// Makes deliveries of what is committed: it reads the log of the organization from the offset of the webhook, and stores the deliveries
/// and the new offset in one transaction. So a kill loses nothing and makes nothing twice, and writers do not know of webhooks.
/// </summary>
internal sealed class WebhookFeed(
    NpgsqlDataSource db, WebhookStore store, IdGenerator ids, IEnumerable<IFinishedJobs> jobs, WebhookSettings settings, TimeProvider time)
{
    // A job may have ended before another one, and been committed after it.
    private static readonly TimeSpan JobOverlap = TimeSpan.FromMinutes(10);

    // A limit and an order for each kind, so that each is read from its index, however far the number is behind.
    private const string Events =
        """
        select e.seq, e.event, e.chat_id, e.subject_id, e.at
        from (
            (select seq, 'chat.created' as event, id as chat_id, id as subject_id, null::timestamptz as at
             from chats
             where org_id = @OrgId and seq > @Seq and seq <= @Head and @WantsChats
             order by seq
             limit @Limit)
            union all
            (select seq, 'message.created', chat_id, id, null
             from messages
             where org_id = @OrgId and seq > @Seq and seq <= @Head and @WantsMessages
             order by seq
             limit @Limit)
            union all
            (select seq, 'feedback.given', chat_id, target_id, at
             from feedback
             where org_id = @OrgId and seq > @Seq and seq <= @Head and @WantsFeedback
             order by seq
             limit @Limit)
        ) e
        order by e.seq
        limit @Limit
        """;

    /// <summary>
    /// Makes up to <paramref name="most"/> deliveries of what comes next in the log, and of chats that are idle. Returns whether there are
    /// new ones, and whether there is more.
    /// </summary>
    /// <exception cref="WebhookLeaseLost">Another instance has the lease.</exception>
    public Task<Progress> Advance(WebhookTarget webhook, WebhookLease lease, int most, CancellationToken ct) => store.Limited(
        () => db.InTransactionAsync(transaction => Advance(transaction, webhook, lease, most), ct),
        ct);

    /// <summary>
    /// Makes deliveries of jobs that have finished. They are in no log: those of the last minutes are looked at again, and a delivery that
    /// there is stays the only one. Returns whether there are new ones.
    /// </summary>
    public Task<bool> AddJobs(WebhookTarget webhook, WebhookLease lease, CancellationToken ct)
    {
        var wanted = jobs.Where(each => webhook.Wants(each.Event)).ToList();
        return wanted.Count == 0 ? Task.FromResult(false) : store.Limited(() => AddJobs(webhook, lease, wanted, ct), ct);
    }

    private async Task<bool> AddJobs(WebhookTarget webhook, WebhookLease lease, List<IFinishedJobs> wanted, CancellationToken ct)
    {
        var since = await db.ReadSingleOrDefaultAsync<DateTimeOffset>(
            """
            select greatest(jobs_from, jobs_at - @JobOverlap)
            from webhook_offsets
            where org_id = @OrgId
              and webhook_id = @WebhookId
            """,
            new { lease.OrgId, lease.WebhookId, JobOverlap },
            ct);
        var finished = new List<Happened>();
        foreach (var kind in wanted)
        {
            foreach (var job in await kind.FinishedSince(webhook.OrgId, since, ct))
                finished.Add(new(kind.Event, 0, null, job.Id, job.FinishedAt));
        }
        if (finished.Count == 0)
            return false;
        return await db.InTransactionAsync(
            async transaction =>
            {
                var added = await Insert(transaction, webhook, finished);
                await transaction.ExecuteAsync(
                    """
                    update webhook_offsets
                    set jobs_at = greatest(jobs_at, @Last)
                    where org_id = @OrgId
                      and webhook_id = @WebhookId
                    """,
                    new { lease.OrgId, lease.WebhookId, Last = finished.Max(job => job.At) });
                return added > 0;
            },
            ct);
    }

    private async Task<Progress> Advance(Sql.Transaction transaction, WebhookTarget webhook, WebhookLease lease, int most)
    {
        var seqs = await transaction.QueryAsync<long>(
            """
            select seq
            from webhook_offsets
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and fence = @Fence
            for no key update
            """,
            lease);
        if (seqs.Count == 0)
            throw new WebhookLeaseLost();
        var (seq, head) = (seqs[0], await OrganizationLog.HeadOf(transaction, webhook.OrgId));
        var rows = seq < head ? await Read(transaction, webhook, seq, head, most) : [];
        var reached = rows.Count < most ? Math.Max(head, seq) : rows[^1].Seq;
        var oldest = time.GetUtcNow() - settings.KeepFor;
        var happened = rows.Select(row => row.ToEvent(time.GetUtcNow())).Where(each => each.At > oldest).ToList();
        if (webhook.Wants(WebhookEvent.ChatIdle))
            await WatchIdle(transaction, webhook, happened);
        var added = await Insert(transaction, webhook, happened.FindAll(each => webhook.Wants(each.Name)));
        // A chat is idle if there is no later message, which is known only at the end of the log.
        if (reached >= head && webhook.Wants(WebhookEvent.ChatIdle))
            added += await Insert(transaction, webhook, await TakeIdle(transaction, webhook, most));
        if (reached > seq)
            await transaction.ExecuteAsync(
                "update webhook_offsets set seq = @Seq where org_id = @OrgId and webhook_id = @WebhookId",
                new { lease.OrgId, lease.WebhookId, Seq = reached });
        return new Progress(added > 0, reached < head);
    }

    private static Task<IReadOnlyList<Row>> Read(Sql.Transaction transaction, WebhookTarget webhook, long seq, long head, int most) =>
        transaction.QueryAsync<Row>(
            Events,
            new
            {
                webhook.OrgId,
                Seq = seq,
                Head = head,
                Limit = most,
                WantsChats = webhook.Wants(WebhookEvent.ChatCreated),
                WantsMessages = webhook.Wants(WebhookEvent.MessageCreated) || webhook.Wants(WebhookEvent.ChatIdle),
                WantsFeedback = webhook.Wants(WebhookEvent.FeedbackGiven),
            });

    private static async Task WatchIdle(Sql.Transaction transaction, WebhookTarget webhook, List<Happened> happened)
    {
        var last = happened.Where(each => each.Name == WebhookEvent.MessageCreated).GroupBy(each => each.ChatId!.Value)
            .Select(chat => chat.MaxBy(each => each.Seq)!).ToList();
        if (last.Count == 0)
            return;
        await transaction.ExecuteAsync(
            """
            insert into webhook_idle as i (org_id, webhook_id, chat_id, seq, due_at)
            select @OrgId, @WebhookId, n.chat_id, n.seq, n.due_at
            from unnest(@ChatIds, @Seqs, @DueAt::timestamptz[]) as n(chat_id, seq, due_at)
            on conflict (org_id, webhook_id, chat_id) do update
            set seq = excluded.seq, due_at = excluded.due_at
            where i.seq < excluded.seq
            """,
            new
            {
                webhook.OrgId,
                WebhookId = webhook.Id,
                ChatIds = last.Select(each => each.ChatId!.Value).ToArray(),
                Seqs = last.Select(each => each.Seq).ToArray(),
                DueAt = last.Select(each => Text(each.At.AddMinutes(webhook.IdleMinutes))).ToArray(),
            });
    }

    private async Task<List<Happened>> TakeIdle(Sql.Transaction transaction, WebhookTarget webhook, int most) =>
    [
        .. (await transaction.QueryAsync<Idle>(
            """
            delete from webhook_idle
            where org_id = @OrgId
              and webhook_id = @WebhookId
              and chat_id in (
                  select chat_id
                  from webhook_idle
                  where org_id = @OrgId
                    and webhook_id = @WebhookId
                    and due_at <= @Now
                  order by due_at
                  limit @Most
              )
            returning chat_id, seq, due_at
            """,
            new { webhook.OrgId, WebhookId = webhook.Id, Now = time.GetUtcNow(), Most = most }))
            .Select(idle => new Happened(WebhookEvent.ChatIdle, idle.Seq, idle.ChatId, idle.ChatId, idle.DueAt)),
    ];

    // Of a chat that is deleted meanwhile nothing is told.
    private async Task<int> Insert(Sql.Transaction transaction, WebhookTarget webhook, List<Happened> happened)
    {
        if (happened.Count == 0)
            return 0;
        var now = ids.Next().Now;
        return await transaction.ExecuteAsync(
            """
            insert into webhook_deliveries (
                org_id, id, webhook_id, event, seq, chat_id, subject_id, happened_at, created_at, status, next_attempt_at
            )
            select @OrgId, n.id, @WebhookId, n.event, n.seq, n.chat_id::uuid, n.subject_id, n.happened_at, @Now, 'pending', @Now
            from unnest(@Ids, @Events, @Seqs, @ChatIds, @SubjectIds, @Times::timestamptz[])
                as n(id, event, seq, chat_id, subject_id, happened_at)
            where n.chat_id is null
               or exists (select from chats c where c.org_id = @OrgId and c.id = n.chat_id::uuid and c.deleted_at is null)
            on conflict (org_id, webhook_id, event, subject_id, seq) do nothing
            """,
            new
            {
                webhook.OrgId,
                WebhookId = webhook.Id,
                Now = now,
                // In the order of the log, as the list is ordered by them.
                Ids = happened.Select(_ => Guid.CreateVersion7(now)).Order().ToArray(),
                Events = happened.Select(each => each.Name).ToArray(),
                Seqs = happened.Select(each => each.Seq).ToArray(),
                ChatIds = happened.Select(each => each.ChatId?.ToString()!).ToArray(),
                SubjectIds = happened.Select(each => each.SubjectId).ToArray(),
                Times = happened.Select(each => Text(each.At)).ToArray(),
            });
    }

    private static string Text(DateTimeOffset time) => time.ToString("O", null);

    /// <param name="Added">Whether there are new deliveries.</param>
    /// <param name="More">Whether there is more in the log.</param>
    internal readonly record struct Progress(bool Added, bool More);

    private sealed record Happened(string Name, long Seq, Guid? ChatId, Guid SubjectId, DateTimeOffset At);

    private sealed record Idle(Guid ChatId, long Seq, DateTimeOffset DueAt);

    private sealed record Row(long Seq, string Event, Guid ChatId, Guid SubjectId, DateTimeOffset? At)
    {
        // Ids tell when a chat or message arrived; createdAt does not, as callers may set it.
        public Happened ToEvent(DateTimeOffset now) => new(Event, Seq, ChatId, SubjectId, At ?? IdGenerator.TimeOf(SubjectId) ?? now);
    }
}
