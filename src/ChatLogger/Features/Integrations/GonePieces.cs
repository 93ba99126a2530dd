using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes what integrations have been told of conversations that are gone, with everything that belongs to it: traces of a session,
/// generations of a trace, messages of a thread, runs within messages and within runs. The ids of all of these leave tombstones, because
/// a later event may name nothing but such an id, and would then become a conversation of its own.
/// </summary>
internal sealed class GonePieces(
    NpgsqlDataSource db, OrganizationLog organizationLog, OrganizationSecrets secrets, Tombstones tombstones)
{
    private const int PageRows = 1_000;

    /// <summary>How deep runs within runs are followed.</summary>
    private const int MaxDepth = 100;

    /// <summary>Records that these names are gone, and removes the pieces that have them or belong to them.</summary>
    public async Task Drop(Guid orgId, IReadOnlyCollection<string> names, CancellationToken ct)
    {
        if (names.Count == 0)
            return;
        var secret = await secrets.Of(orgId, ct);
        await db.InTransactionAsync(
            async transaction =>
            {
                await tombstones.Add(transaction, orgId, secret, names);
                return true;
            },
            ct);
        await Remove(orgId, names, ct);
    }

    /// <summary>
    /// Removes the pieces that have these names or belong to them, and returns how many. What is within a piece is removed before it, so
    /// that after a failure the rest is found again.
    /// </summary>
    public Task<int> Remove(Guid orgId, IReadOnlyCollection<string> names, CancellationToken ct) =>
        Remove(orgId, names, [], 0, ct);

    private async Task<int> Remove(
        Guid orgId, IReadOnlyCollection<string> names, HashSet<(string Source, string Id)> seen, int depth, CancellationToken ct)
    {
        var removed = 0;
        foreach (var some in names.Chunk(PageRows))
        {
            while ((await Find(orgId, some, ct)).Where(piece => seen.Add((piece.Source, piece.Id))).ToList() is { Count: > 0 } pieces)
            {
                List<string> inner = [.. pieces.Select(piece => ForeignIds.Conversation(piece.Id)).Except(some, StringComparer.Ordinal)];
                if (depth < MaxDepth)
                    removed += await Remove(orgId, inner, seen, depth + 1, ct);
                removed += await Delete(orgId, pieces, ct);
            }
        }
        return removed;
    }

    private Task<IReadOnlyList<Piece>> Find(Guid orgId, string[] names, CancellationToken ct) =>
        db.ReadAsync<Piece>(
            """
            (
                select source, id
                from integration_events
                where org_id = @OrgId
                  and belongs_to = any(@Names)
                limit @PageRows
            )
            union
            (
                select source, id
                from integration_events
                where org_id = @OrgId
                  and source = any(@Sources)
                  and id = any(@Names)
                limit @PageRows
            )
            """,
            new { OrgId = orgId, Names = names, EventPiece.Sources, PageRows },
            ct);

    // Under the lock of the log: a chat that is made at the same time is there before, or finds the tombstone.
    private async Task<int> Delete(Guid orgId, List<Piece> pieces, CancellationToken ct)
    {
        var secret = await secrets.Of(orgId, ct);
        return await db.InTransactionAsync(
            async transaction =>
            {
                await organizationLog.Lock(transaction, orgId);
                await tombstones.Add(transaction, orgId, secret, pieces.Select(piece => ForeignIds.Conversation(piece.Id)));
                return await transaction.ExecuteAsync(
                    """
                    delete from integration_events e
                    using unnest(@Sources, @Ids) as n(source, id)
                    where e.org_id = @OrgId
                      and e.source = n.source
                      and e.id = n.id
                    """,
                    new
                    {
                        OrgId = orgId,
                        Sources = pieces.Select(piece => piece.Source).ToArray(),
                        Ids = pieces.Select(piece => piece.Id).ToArray(),
                    });
            },
            ct);
    }

    private sealed record Piece(string Source, string Id);
}
