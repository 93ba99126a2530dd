using System.Diagnostics;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes the content of deleted chats for good, piece by piece, with its ratings and its part of the search index. What was counted of them is gone
/// with the deletion itself. The keys of idempotent requests stay their time: a request that is repeated must not open the chat anew.
/// </summary>
internal sealed partial class PurgeChats(NpgsqlDataSource db, PurgeSettings settings, ILogger<PurgeChats> log) : CleanupService(settings.Interval)
{
    private const int BatchChats = 100;

    /// <inheritdoc/>
    /// <remarks>A piece of each organization in turn, so that none waits for a large one.</remarks>
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
    }

    protected override void Failed(Exception failure) => CannotLook(log, failure);

    // Where to go on; null: that was all, or it cannot be removed in this round. Neither is in the way of the other organizations.
    private async Task<Position?> Purge(Position place, CancellationToken ct)
    {
        try
        {
            var chats = await Next(place, ct);
            if (chats.Count == 0)
                return null;
            var piece = new { place.OrgId, Chats = chats.Select(chat => chat.Id).ToArray(), IOrganizationPurger.BatchRows };
            var removed = await ChatPurgeSql.RemoveFeedback(db, piece, ct, ChatPurgeSql.OfChats)
                + await ChatPurgeSql.RemoveChunks(db, piece, ct, ChatPurgeSql.OfChats)
                + await ChatPurgeSql.RemoveMessages(db, piece, ct, ChatPurgeSql.OfChats);
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
        .. (await db.QueryAsync<Guid>(
            """
            select o.id
            from organizations o
            where exists (select from chats c where c.org_id = o.id and c.deleted_at is not null)
            """,
            new { },
            ct)).Select(orgId => new Position(orgId, DateTimeOffset.MinValue, Guid.Empty)),
    ];

    private Task<IReadOnlyList<Deleted>> Next(Position place, CancellationToken ct) =>
        db.QueryAsync<Deleted>(
            """
            select id, deleted_at
            from chats
            where org_id = @OrgId
              and deleted_at is not null
              and (deleted_at, id) > (@After, @AfterId)
            order by deleted_at, id
            limit @BatchChats
            """,
            new { place.OrgId, place.After, place.AfterId, BatchChats },
            ct);

    // Whoever was let in before the deletion holds the chat until it is done, and then the second statement sees what came of it: such a chat is
    // left for the next round.
    private Task<int> RemoveChats(Guid orgId, Guid[] chats, CancellationToken ct) =>
        db.InTransactionAsync(
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
                // Files of exports may hold them. From here on there is no other trace of the deletion.
                await ExportMembership.Removed(transaction, orgId, [.. held]);
                return await transaction.ExecuteAsync(
                    """
                    delete from chats c
                    where c.org_id = @OrgId
                      and c.id = any(@Held)
                      and not exists (select from messages m where m.org_id = c.org_id and m.chat_id = c.id)
                      and not exists (select from feedback f where f.org_id = c.org_id and f.chat_id = c.id)
                      and not exists (select from search_chunks s where s.org_id = c.org_id and s.chat_id = c.id)
                    """,
                    new { OrgId = orgId, Held = held.ToArray() });
            },
            ct);

    [LoggerMessage(LogLevel.Warning, "The deleted chats of organization {OrgId} cannot be removed; trying again")]
    private static partial void CannotPurge(ILogger log, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "Deleted chats cannot be looked for; trying again")]
    private static partial void CannotLook(ILogger log, Exception failure);

    private readonly record struct Position(Guid OrgId, DateTimeOffset After, Guid AfterId);

    private sealed record Deleted(Guid Id, DateTimeOffset DeletedAt);
}
