using System.Diagnostics;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.SearchIndex;
using ChatLogger.Webhooks;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Purges the content of deleted chats in small batches, with their ratings, their rows of the search index, their deliveries and what
/// integrations have been told of them. The deletion itself has already subtracted them from the rollups. Their Idempotency-Keys go, too;
/// tombstones take the place of those of the chats, because a retried request must not create the chat again.
/// </summary>
internal sealed partial class PurgeChats(
    NpgsqlDataSource db, SearchPurger search, WebhookPurger webhooks, KeyPurger keys, GonePieces pieces, PurgeSettings settings,
    Engine engine, ILogger<PurgeChats> log)
    : PeriodicJob(settings.Interval)
{
    private const int BatchChats = 100;

    /// <inheritdoc/>
    /// <remarks>Purges one batch of each organization in turn (round robin), so that no organization waits for a large one.</remarks>
    public override async Task Run(CancellationToken ct)
    {
        var places = await Begin(ct);
        while (places.Count > 0)
        {
            var next = new List<Position>();
            foreach (var place in places)
            {
                var since = Stopwatch.GetTimestamp();
                if (await Purge(place, ct) is not { } more)
                    continue;
                next.Add(more);
                await Delay(since, ct);
            }
            places = next;
        }
        await RemoveUnusedWords(ct);
    }

    public override void Failed(Exception failure) => CannotLook(log, failure);

    private async Task RemoveUnusedWords(CancellationToken ct)
    {
        var organizations = await db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where exists (select from search_stale_tokens t where t.org_id = l.org_id)
            """,
            new { },
            ct);
        foreach (var orgId in organizations)
        {
            try
            {
                for (var since = Stopwatch.GetTimestamp(); await search.RemoveUnusedWords(orgId, ct) > 0; since = Stopwatch.GetTimestamp())
                    await Delay(since, ct);
            }
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                CannotPurge(log, orgId, failure);
            }
        }
    }

    // Purges a batch and returns the position of the next one. Null: there are no more chats, or the purge failed and is retried in the
    // next round. A failure does not affect the other organizations.
    private async Task<Position?> Purge(Position place, CancellationToken ct)
    {
        try
        {
            var chats = await Next(place, ct);
            if (chats.Count == 0)
                return null;
            var piece = new { place.OrgId, Chats = chats.Select(chat => chat.Id).ToArray(), IOrganizationPurger.BatchRows };
            await pieces.Drop(place.OrgId, await ChatPurgeSql.Traces(db, piece, ct), ct);
            var removed = await ChatPurgeSql.EraseFeedback(db, piece, ct)
                + await search.Remove(place.OrgId, piece.Chats, ct)
                + await webhooks.Remove(place.OrgId, piece.Chats, ct)
                + await ChatPurgeSql.RemoveChunks(db, piece, ct, ChatPurgeSql.OfChats)
                + await ChatPurgeSql.EraseMessages(db, piece, ct)
                + await keys.Remove(place.OrgId, piece.Chats, ct)
                + await pieces.Remove(place.OrgId, [.. chats.Select(chat => chat.ExternalId).OfType<string>()], ct);
            if (removed > 0)
                return place;
            await RemoveChats(place.OrgId, piece.Chats, ct);
            return place with { After = chats[^1].DeletedAt, AfterId = chats[^1].Id };
        }
        catch (Exception failure) when (!ct.IsCancellationRequested)
        {
            CannotPurge(log, place.OrgId, failure);
            return null;
        }
    }

    private async Task<IReadOnlyList<Position>> Begin(CancellationToken ct) =>
    [
        .. (await db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            where exists (select from chats c where c.org_id = l.org_id and c.deleted_at is not null)
            """,
            new { },
            ct)).Select(orgId => new Position(orgId, DateTimeOffset.MinValue, Guid.Empty)),
    ];

    private Task<IReadOnlyList<Deleted>> Next(Position place, CancellationToken ct) =>
        db.ReadAsync<Deleted>(
            """
            select id, deleted_at, external_id
            from chats
            where org_id = @OrgId
              and deleted_at is not null
              and (deleted_at, id) > (@After, @AfterId)
            order by deleted_at, id
            limit @BatchChats
            """,
            new { place.OrgId, place.After, place.AfterId, BatchChats },
            ct);

    // A write that started before the deletion holds the lock of the chat until it commits. Such a chat is either skipped, or the second
    // statement sees the rows of that write and does not delete the chat; the next round handles it.
    private async Task<int> RemoveChats(Guid orgId, Guid[] chats, CancellationToken ct)
    {
        // No transaction writes to the coordinator and to a shard. The mark may come first: the chats are deleted, so no export that is
        // claimed later has them.
        if (engine.IsDistributed)
        {
            await db.InTransactionAsync(
                async transaction =>
                {
                    await ExportMembership.Removed(transaction, orgId, chats);
                    return true;
                },
                ct);
        }
        return await db.InTransactionAsync(
            async transaction =>
            {
                var held = await transaction.QueryAsync<Guid>(
                    """
                    select id
                    from chats
                    where org_id = @OrgId
                      and id = any(@Chats)
                    for update skip locked
                    """,
                    new { OrgId = orgId, Chats = chats });
                // Exports may contain these chats. After this transaction nothing else records that they were deleted.
                if (!engine.IsDistributed)
                    await ExportMembership.Removed(transaction, orgId, [.. held]);
                return await transaction.ExecuteAsync(
                    """
                    delete from chats c
                    where c.org_id = @OrgId
                      and c.id = any(@Held)
                      and not exists (select from messages m where m.org_id = c.org_id and m.chat_id = c.id)
                      and not exists (select from feedback f where f.org_id = c.org_id and f.chat_id = c.id)
                      and not exists (select from search_index i where i.org_id = c.org_id and i.chat_id = c.id)
                      and not exists (select from search_chunks s where s.org_id = c.org_id and s.chat_id = c.id)
                    """,
                    new { OrgId = orgId, Held = held.ToArray() });
            },
            ct);
    }

    [LoggerMessage(LogLevel.Warning, "The deleted chats of organization {OrgId} cannot be purged; retrying")]
    private static partial void CannotPurge(ILogger log, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Deleted chats cannot be listed; retrying")]
    private static partial void CannotLook(ILogger log, Exception failure);

    private readonly record struct Position(Guid OrgId, DateTimeOffset After, Guid AfterId);

    private sealed record Deleted(Guid Id, DateTimeOffset DeletedAt, string? ExternalId);
}
