using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Deletes the chats of an erasure, in steps that each lock the log of the organization, and records them with it. From then on no read
/// shows them; <see cref="PurgeChats"/> removes what is deleted.
/// </summary>
internal sealed class HideChats(
    NpgsqlDataSource db, OrganizationLog organizationLog, OrganizationSecrets secrets, Tombstones tombstones, Engine engine,
    ErasureSettings settings, TimeProvider time)
{
    /// <summary>Deletes the next chats, and returns how many; 0: there are no more.</summary>
    public async Task<int> Next(Guid orgId, Guid erasureId, CancellationToken ct)
    {
        var secret = await secrets.Of(orgId, ct);
        var chats = await db.InTransactionAsync(
            async transaction =>
            {
                await organizationLog.Lock(transaction, orgId);
                if (await Start(transaction, orgId, erasureId) is not { } subject)
                    return [];
                var hidden = await Hide(transaction, subject);
                if (hidden.Count == 0)
                    return [];
                Guid[] ids = [.. hidden.Select(chat => chat.Id)];
                await Record(transaction, subject, hidden);
                await tombstones.Add(transaction, orgId, secret, hidden.Select(chat => chat.ExternalId));
                var seqs = await transaction.QueryAsync<long>(OrganizationLog.Draw, new { Numbers = ids.Length });
                await OrganizationEvents.RecordDeleted(transaction, orgId, [.. seqs], ids, time.GetUtcNow());
                if (!engine.IsDistributed)
                    await RecordExports(transaction, orgId, erasureId, await ExportMembership.Removed(transaction, orgId, ids));
                return ids;
            },
            ct);
        // No transaction writes to the coordinator and to a shard. If the service is killed here, the purge marks the exports.
        if (engine.IsDistributed && chats.Length > 0)
        {
            var exports = await db.InTransactionAsync(transaction => ExportMembership.Removed(transaction, orgId, chats), ct);
            await db.InTransactionAsync(transaction => RecordExports(transaction, orgId, erasureId, exports), ct);
        }
        return chats.Length;
    }

    /// <summary>
    /// Records the next chats that had been deleted before and are not removed yet, and returns how many; 0: there are no more.
    /// </summary>
    public Task<int> NextDeleted(Guid orgId, Guid erasureId, CancellationToken ct) => db.InTransactionAsync(
        async transaction =>
        {
            if (await Start(transaction, orgId, erasureId) is not { } subject)
                return 0;
            var deleted = await transaction.QueryAsync<HiddenChat>(
                """
                select c.id, c.external_id
                from chats c
                where c.org_id = @OrgId
                  and (c.external_user_id = @ExternalUserId or c.user_id = @UserId)
                  and c.seq <= @UpTo
                  and c.deleted_at is not null
                  and not exists (
                      select
                      from erased_ids e
                      where e.org_id = @OrgId
                        and e.erasure_id = @Id
                        and e.kind = 'chat'
                        and e.id = c.id
                  )
                limit @BatchChats
                """,
                subject);
            await Record(transaction, subject, deleted);
            return deleted.Count;
        },
        ct);

    private async Task<Subject?> Start(Sql.Transaction transaction, Guid orgId, Guid erasureId)
    {
        var found = await transaction.QueryAsync<Erased>(
            """
            update erasures
            set state = 'running',
                started_at = coalesce(started_at, @Now)
            where org_id = @OrgId
              and id = @Id
              and finished_at is null
            returning external_user_id, user_id, up_to
            """,
            new { OrgId = orgId, Id = erasureId, Now = time.GetUtcNow() });
        return found is [var erased]
            ? new(orgId, erasureId, erased.ExternalUserId, erased.UserId, erased.UpTo, settings.BatchChats)
            : null;
    }

    // One of two statements, so that each has an index.
    private async Task<IReadOnlyList<HiddenChat>> Hide(Sql.Transaction transaction, Subject subject)
    {
        var ids = await transaction.QueryAsync<Guid>(
            $"""
            select id
            from chats
            where org_id = @OrgId
              and {(subject.ExternalUserId is null ? "user_id = @UserId" : "external_user_id = @ExternalUserId")}
              and seq <= @UpTo
              and deleted_at is null
            order by created_at, id
            limit @BatchChats
            """,
            subject);
        return await transaction.QueryAsync<HiddenChat>(
            """
            update chats
            set deleted_at = @Now
            where org_id = @OrgId
              and id = any(@Ids)
            returning id, external_id
            """,
            new { subject.OrgId, Ids = ids.ToArray(), Now = time.GetUtcNow() });
    }

    private static Task<int> Record(Sql.Transaction transaction, Subject subject, IReadOnlyList<HiddenChat> chats) =>
        transaction.ExecuteAsync(
            """
            insert into erased_ids (org_id, erasure_id, kind, id, external_id)
            select @OrgId, @Id, 'chat', n.id, n.external_id
            from unnest(@Ids, @ExternalIds) as n(id, external_id)
            on conflict (org_id, erasure_id, kind, id) do nothing
            """,
            new
            {
                subject.OrgId,
                subject.Id,
                Ids = chats.Select(chat => chat.Id).ToArray(),
                ExternalIds = chats.Select(chat => chat.ExternalId!).ToArray(),
            });

    private static Task<int> RecordExports(Sql.Transaction transaction, Guid orgId, Guid erasureId, IReadOnlyList<Guid> exports) =>
        transaction.ExecuteAsync(
            """
            insert into erased_ids (org_id, erasure_id, kind, id)
            select @OrgId, @Id, 'export', n.id
            from unnest(@Exports) as n(id)
            on conflict (org_id, erasure_id, kind, id) do nothing
            """,
            new { OrgId = orgId, Id = erasureId, Exports = exports.ToArray() });

    private sealed record Erased(string? ExternalUserId, Guid? UserId, long UpTo);

    private sealed record Subject(Guid OrgId, Guid Id, string? ExternalUserId, Guid? UserId, long UpTo, int BatchChats);

    private sealed record HiddenChat(Guid Id, string? ExternalId);
}
