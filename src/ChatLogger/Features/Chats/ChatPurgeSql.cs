using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Deletes the child rows of chats, for deleted organizations and for deleted chats. Each statement deletes at most
/// <see cref="IOrganizationPurger.BatchRows"/> rows, skips rows that others have locked, and returns how many it deleted.
/// </summary>
internal static class ChatPurgeSql
{
    /// <summary>
    /// Restricts the deletion to the chats in <c>@Chats</c>. It must not be combined with an order, for which the planner might scan all
    /// rows of the organization.
    /// </summary>
    public const string OfChats = "and chat_id = any(@Chats)";

    public static Task<int> RemoveFeedback(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        db.ExecuteAsync(DeleteBatch.Of("feedback", "order by target_id"), piece, ct);

    public static Task<int> RemoveMessages(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        db.ExecuteAsync(DeleteBatch.Of("messages", "order by id"), piece, ct);

    /// <summary>
    /// Returns the traces of OpenTelemetry that the next messages of these chats came with: a later span may name nothing else.
    /// </summary>
    public static Task<IReadOnlyList<string>> Traces(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        db.ReadAsync<string>(
            """
            select distinct left(m.metadata ->> 'traceId', 200)
            from (
                select metadata
                from messages
                where org_id = @OrgId
                  and chat_id = any(@Chats)
                limit @BatchRows
            ) m
            where m.metadata ->> 'spanId' <> ''
              and m.metadata ->> 'traceId' <> ''
            """,
            piece,
            ct);

    /// <summary>Deletes messages of deleted chats, and tells the erasures of these chats which.</summary>
    public static Task<int> EraseMessages(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        Erase(db, "messages", "id", "message", piece, ct);

    /// <summary>Deletes ratings of deleted chats, and tells the erasures of these chats which.</summary>
    public static Task<int> EraseFeedback(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        Erase(db, "feedback", "target_id", "feedback", piece, ct);

    private static Task<int> Erase(NpgsqlDataSource db, string table, string id, string kind, object piece, CancellationToken ct) =>
        db.QuerySingleOrDefaultAsync<int>(
            $"""
            with removed as (
                {DeleteBatch.Of(table, OfChats)}
                returning chat_id, {id} as id
            ), told as (
                insert into erased_ids (org_id, erasure_id, kind, id)
                select @OrgId, e.erasure_id, '{kind}', r.id
                from removed r
                join erased_ids e on e.org_id = @OrgId and e.kind = 'chat' and e.id = r.chat_id
                on conflict (org_id, erasure_id, kind, id) do nothing
            )
            select count(*)::int
            from removed
            """,
            piece,
            ct);

    public static Task<int> RemoveChunks(NpgsqlDataSource db, object piece, CancellationToken ct, string? which = null) =>
        db.ExecuteAsync(DeleteBatch.Of("search_chunks", which ?? "order by chat_id, first_seq"), piece, ct);
}
