using System.Diagnostics;
using System.Globalization;
using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Rollups;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Deletes the chats whose last message, or without one their own creation, is older than their organization keeps them. It walks through
/// the sums of the chats in steps with pauses; <see cref="PurgeChats"/> removes what is deleted. Several instances may do so at the same
/// time.
/// </summary>
internal sealed partial class ExpireChats(
    NpgsqlDataSource db, OrganizationLog organizationLog, OrganizationSecrets secrets, Tombstones tombstones, ConversationAudit audit,
    RetentionSettings settings, TimeProvider time, ILogger<ExpireChats> log)
    : PeriodicJob(settings.Interval)
{
    private const int BatchSums = 10_000;

    private static readonly Actor Retention = Actor.Operator("retention");

    public override async Task Run(CancellationToken ct)
    {
        var organizations = await db.ReadAsync<Organization>(
            "select id, retention_days from organizations where retention_days is not null and deleted_at is null", new { }, ct);
        foreach (var organization in organizations)
        {
            try
            {
                await Expire(organization.Id, time.GetUtcNow() - TimeSpan.FromDays(organization.RetentionDays), ct);
            }
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                CannotExpire(log, organization.Id, failure);
            }
        }
    }

    public override void Failed(Exception failure) => CannotLook(log, failure);

    private async Task Expire(Guid orgId, DateTimeOffset cutoff, CancellationToken ct)
    {
        for (var after = Guid.Empty; ;)
        {
            var since = Stopwatch.GetTimestamp();
            var sums = await db.ReadAsync<Sum>(
                """
                select chat_id, coalesce(last_at, created_at) < @Cutoff as is_old
                from chat_sums
                where org_id = @OrgId
                  and chat_id > @After
                order by chat_id
                limit @BatchSums
                """,
                new { OrgId = orgId, Cutoff = cutoff, After = after, BatchSums },
                ct);
            foreach (var chats in sums.Where(sum => sum.IsOld).Select(sum => sum.ChatId).Chunk(settings.BatchChats))
            {
                await Delete(orgId, await secrets.Of(orgId, ct), chats, cutoff, ct);
                await audit.Deliver(orgId, ct);
                await Delay(since, ct);
                since = Stopwatch.GetTimestamp();
            }
            if (sums.Count < BatchSums)
                return;
            after = sums[^1].ChatId;
            await Delay(since, ct);
        }
    }

    // The sums are those up to the offset of their consumer; a chat with a message after it waits for the next time.
    private Task<int> Delete(
        Guid orgId, OrganizationSecret secret, Guid[] chats, DateTimeOffset cutoff, CancellationToken ct) => db.InTransactionAsync(
        async transaction =>
        {
            await organizationLog.Lock(transaction, orgId);
            var now = time.GetUtcNow();
            var deleted = await transaction.QueryAsync<Expired>(
                """
                update chats
                set deleted_at = @Now
                from chat_sums s
                join followers f on f.org_id = s.org_id and f.follower = @Name
                where chats.org_id = @OrgId
                  and chats.id = any(@Chats)
                  and chats.deleted_at is null
                  and s.org_id = @OrgId
                  and s.chat_id = chats.id
                  and coalesce(s.last_at, s.created_at) < @Cutoff
                  and not exists (select from messages m where m.org_id = @OrgId and m.chat_id = chats.id and m.seq > f.seq)
                returning chats.id, chats.external_id
                """,
                new { OrgId = orgId, Chats = chats, Cutoff = cutoff, Now = now, RollupUpdates.Name });
            if (deleted.Count == 0)
                return 0;
            Guid[] ids = [.. deleted.Select(chat => chat.Id)];
            await tombstones.Add(transaction, orgId, secret, deleted.Select(chat => chat.ExternalId));
            var seqs = await transaction.QueryAsync<long>(OrganizationLog.Draw, new { Numbers = ids.Length });
            await OrganizationEvents.RecordDeleted(transaction, orgId, [.. seqs], ids, now);
            await audit.Write(
                transaction,
                AuditEvent.OfRetention(orgId, Retention, AuditAction.ChatsExpired, deleted.Count.ToString(CultureInfo.InvariantCulture)));
            return deleted.Count;
        },
        ct);

    [LoggerMessage(LogLevel.Warning, "Old chats of organization {OrgId} cannot be deleted; retrying")]
    private static partial void CannotExpire(ILogger log, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Organizations that keep chats for a time cannot be listed; retrying")]
    private static partial void CannotLook(ILogger log, Exception failure);

    private sealed record Organization(Guid Id, int RetentionDays);

    private sealed record Expired(Guid Id, string? ExternalId);

    private sealed record Sum(Guid ChatId, bool IsOld);
}
