using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Purges the conversations of a deleted organization: children first, because of the foreign keys.</summary>
internal sealed class ConversationPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        return await ChatPurgeSql.RemoveFeedback(db, piece, ct) > 0
            || await ChatPurgeSql.RemoveMessages(db, piece, ct) > 0
            || await ChatPurgeSql.RemoveChunks(db, piece, ct) > 0
            || await RemoveChats(piece, ct) > 0
            || await RemoveKeys(piece, ct) > 0
            || await db.ExecuteAsync("delete from followers where org_id = @OrgId", piece, ct) > 0
            || await db.ReadSingleOrDefaultAsync<bool>("select exists (select from chats where org_id = @OrgId)", piece, ct);
    }

    private Task<int> RemoveKeys(object piece, CancellationToken ct) =>
        db.ExecuteAsync(DeleteBatch.Of("idempotency_keys", "order by created_at"), piece, ct);

    // Deletes chats only after all their children are gone: another instance may still be deleting the last ones.
    private Task<int> RemoveChats(object piece, CancellationToken ct) =>
        db.ExecuteAsync(
            DeleteBatch.Of(
                "chats",
                """
                and not exists (select from messages where org_id = @OrgId)
                and not exists (select from feedback where org_id = @OrgId)
                and not exists (select from search_index where org_id = @OrgId)
                and not exists (select from search_chunks where org_id = @OrgId)
                order by id
                """),
            piece,
            ct);
}
