using System.Diagnostics;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Rollups;
using ChatLogger.SearchIndex;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Carries erasures out: hides the chats that are left, waits until <see cref="PurgeChats"/>, the exports and the rollups have removed what
/// they had, forgets what is left elsewhere, and writes the receipt. Every step may be repeated, so that after a kill
/// the next round goes on; several instances may do so at the same time.
/// </summary>
internal sealed partial class EraseChats(
    NpgsqlDataSource db, HideChats hide, ErasedTraces traces, SearchPurger search, UnusedNames names, ConversationAudit audit,
    ExportQueue exports, OrganizationSecrets secrets, ErasedIdsFile file, ErasureSettings settings, TimeProvider time,
    ILogger<EraseChats> log)
    : PeriodicJob(settings.Interval)
{
    private const int PageIds = 1_000;

    private static readonly Actor Worker = Actor.Service("erasure");

    public override async Task Run(CancellationToken ct)
    {
        var organizations = await db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where l.closed_at is null
              and exists (select from erasures e where e.org_id = l.org_id and e.state <> 'done')
            """,
            new { },
            ct);
        foreach (var orgId in organizations)
        {
            try
            {
                foreach (var erasure in await Pending(orgId, ct))
                    await Erase(erasure, ct);
            }
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                CannotErase(log, orgId, failure);
            }
        }
    }

    public override void Failed(Exception failure) => CannotLook(log, failure);

    private Task<IReadOnlyList<PendingErasure>> Pending(Guid orgId, CancellationToken ct) =>
        db.ReadAsync<PendingErasure>(
            """
            select org_id, id, external_user_id, encode(subject, 'hex') as subject, created_at, hidden_at
            from erasures
            where org_id = @OrgId
              and state <> 'done'
            order by created_at, id
            """,
            new { OrgId = orgId },
            ct);

    private async Task Erase(PendingErasure erasure, CancellationToken ct)
    {
        var hiddenAt = erasure.HiddenAt ?? await Hide(erasure, ct);
        await CountRemoved(erasure, ct);
        if (await HasChats(erasure, ct))
            return;
        if (await exports.HasFiles(erasure.OrgId, hiddenAt, await Ids(erasure, ErasedKind.Export, ct), ct))
        {
            exports.Cleanup.Wake();
            return;
        }
        await audit.Deliver(erasure.OrgId, ct);
        for (var since = Stopwatch.GetTimestamp(); await search.RemoveUnusedWords(erasure.OrgId, ct) > 0; since = Stopwatch.GetTimestamp())
            await Delay(since, ct);
        await traces.Remove(erasure, ct);
        await names.Forget(erasure.OrgId, ct);
        await Forget(erasure, ct);
        await Finish(erasure, ct);
    }

    // After this there are no more: what is made later has a greater number.
    private async Task<DateTimeOffset> Hide(PendingErasure erasure, CancellationToken ct)
    {
        for (var since = Stopwatch.GetTimestamp(); await hide.Next(erasure.OrgId, erasure.Id, ct) > 0; since = Stopwatch.GetTimestamp())
            await Delay(since, ct);
        while (await hide.NextDeleted(erasure.OrgId, erasure.Id, ct) > 0)
        {
        }
        return await db.QuerySingleOrDefaultAsync<DateTimeOffset>(
            """
            update erasures
            set hidden_at = coalesce(hidden_at, @Now)
            where org_id = @OrgId
              and id = @Id
            returning hidden_at
            """,
            new { erasure.OrgId, erasure.Id, Now = time.GetUtcNow() },
            ct);
    }

    private Task<bool> HasChats(PendingErasure erasure, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<bool>(
            """
            select exists (
                select
                from erased_ids e
                join chats c on c.org_id = @OrgId and c.id = e.id
                where e.org_id = @OrgId
                  and e.erasure_id = @Id
                  and e.kind = 'chat'
            )
            """,
            erasure,
            ct);

    private async Task<Guid[]> Ids(PendingErasure erasure, string kind, CancellationToken ct) =>
    [
        .. await db.ReadAsync<Guid>(
            "select id from erased_ids where org_id = @OrgId and erasure_id = @Id and kind = @Kind",
            new { erasure.OrgId, erasure.Id, Kind = kind },
            ct),
    ];

    private Task<int> CountRemoved(PendingErasure erasure, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            with removed as (
                select kind, count(*) as ids
                from erased_ids
                where org_id = @OrgId
                  and erasure_id = @Id
                group by kind
            )
            update erasures
            set chats = coalesce((select ids from removed where kind = 'chat'), 0),
                messages = coalesce((select ids from removed where kind = 'message'), 0),
                feedback = coalesce((select ids from removed where kind = 'feedback'), 0),
                exports = coalesce((select ids from removed where kind = 'export'), 0)
            where org_id = @OrgId
              and id = @Id
              and state <> 'done'
            """,
            erasure,
            ct);

    private async Task Forget(PendingErasure erasure, CancellationToken ct)
    {
        for (var after = Guid.Empty; ;)
        {
            var chats = await db.ReadAsync<Guid>(
                """
                select id
                from erased_ids
                where org_id = @OrgId
                  and erasure_id = @Id
                  and kind = 'chat'
                  and id > @After
                order by id
                limit @PageIds
                """,
                new { erasure.OrgId, erasure.Id, After = after, PageIds },
                ct);
            if (chats.Count == 0)
                break;
            Guid[] ids = [.. chats];
            await db.InTransactionAsync(transaction => AuditLog.Forget(transaction, erasure.OrgId, ids), ct);
            await db.ExecuteAsync(
                """
                update erased_ids
                set external_id = null
                where org_id = @OrgId
                  and erasure_id = @Id
                  and kind = 'chat'
                  and id = any(@Chats)
                  and external_id is not null
                """,
                new { erasure.OrgId, erasure.Id, Chats = ids },
                ct);
            after = ids[^1];
        }
        // An export that was being written when the chats were hidden may have none of them.
        var whole = await exports.Forget(erasure.OrgId, erasure.ExternalUserId, await Ids(erasure, ErasedKind.Export, ct), ct);
        await db.ExecuteAsync(
            "delete from erased_ids where org_id = @OrgId and erasure_id = @Id and kind = 'export' and id = any(@Exports)",
            new { erasure.OrgId, erasure.Id, Exports = whole },
            ct);
    }

    // If another instance has finished it in between, its receipt stays.
    private async Task Finish(PendingErasure erasure, CancellationToken ct)
    {
        await CountRemoved(erasure, ct);
        var counts = await db.ReadSingleOrDefaultAsync<Erasure>(
            $"select {Erasure.Columns} from erasures where org_id = @OrgId and id = @Id", erasure, ct);
        if (counts is not { State: ErasureState.Running, StartedAt: { } startedAt })
            return;
        var now = time.GetUtcNow();
        var finishedAt = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
        var head = new ErasedIdsFile.Head(
            erasure.Id, erasure.OrgId, erasure.Subject, counts.Chats, counts.Messages, counts.Feedback, counts.Exports, startedAt,
            finishedAt);
        var receipt = await file.Receipt(await secrets.Of(erasure.OrgId, ct), head, ct);
        await db.InTransactionAsync(
            async transaction =>
            {
                var finished = await transaction.ExecuteAsync(
                    """
                    update erasures
                    set state = 'done',
                        external_user_id = null,
                        user_id = null,
                        finished_at = @FinishedAt,
                        receipt = @Receipt
                    where org_id = @OrgId
                      and id = @Id
                      and state = 'running'
                    """,
                    new { erasure.OrgId, erasure.Id, FinishedAt = finishedAt, Receipt = receipt });
                if (finished > 0)
                    await audit.Write(
                        transaction, AuditEvent.OfErasure(erasure.OrgId, Worker, AuditAction.ErasureFinished, erasure.Subject));
                return finished;
            },
            ct);
        await audit.Deliver(erasure.OrgId, ct);
    }

    [LoggerMessage(LogLevel.Warning, "An erasure of organization {OrgId} cannot go on; retrying")]
    private static partial void CannotErase(ILogger log, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Organizations with erasures cannot be listed; retrying")]
    private static partial void CannotLook(ILogger log, Exception failure);
}

/// <summary>An erasure that is not done. The end user's name is null if it is of a member's chats.</summary>
internal sealed record PendingErasure(
    Guid OrgId, Guid Id, string? ExternalUserId, string Subject, DateTimeOffset CreatedAt, DateTimeOffset? HiddenAt);
