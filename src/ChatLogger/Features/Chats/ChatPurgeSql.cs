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
        db.ExecuteAsync(
            """
            with piece as materialized (
                select target_id
                from feedback
                where org_id = @OrgId
                order by target_id
                limit @BatchRows
                for update skip locked
            )
            delete from feedback
            using piece
            where feedback.org_id = @OrgId
              and feedback.target_id = piece.target_id
            """,
            piece,
            ct);

    public static Task<int> RemoveMessages(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            with piece as materialized (
                select id
                from messages
                where org_id = @OrgId
                order by id
                limit @BatchRows
                for update skip locked
            )
            delete from messages
            using piece
            where messages.org_id = @OrgId
              and messages.id = piece.id
            """,
            piece,
            ct);

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
        db.QuerySingleOrDefaultAsync<int>(
            """
            with piece as materialized (
                select id
                from messages
                where org_id = @OrgId
                  and chat_id = any(@Chats)
                limit @BatchRows
                for update skip locked
            ), removed as (
                delete from messages
                using piece
                where messages.org_id = @OrgId
                  and messages.id = piece.id
                returning messages.chat_id, messages.id
            ), told as (
                insert into erased_ids (org_id, erasure_id, kind, id)
                select @OrgId, e.erasure_id, 'message', r.id
                from removed r
                join erased_ids e on e.org_id = @OrgId and e.kind = 'chat' and e.id = r.chat_id
                on conflict (org_id, erasure_id, kind, id) do nothing
            )
            select count(*)::int
            from removed
            """,
            piece,
            ct);

    /// <summary>Deletes ratings of deleted chats, and tells the erasures of these chats which.</summary>
    public static Task<int> EraseFeedback(NpgsqlDataSource db, object piece, CancellationToken ct) =>
        db.QuerySingleOrDefaultAsync<int>(
            """
            with piece as materialized (
                select target_id
                from feedback
                where org_id = @OrgId
                  and chat_id = any(@Chats)
                limit @BatchRows
                for update skip locked
            ), removed as (
                delete from feedback
                using piece
                where feedback.org_id = @OrgId
                  and feedback.target_id = piece.target_id
                returning feedback.chat_id, feedback.target_id
            ), told as (
                insert into erased_ids (org_id, erasure_id, kind, id)
                select @OrgId, e.erasure_id, 'feedback', r.target_id
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
        db.ExecuteAsync(
            $"""
            with piece as materialized (
                select chat_id, first_seq
                from search_chunks
                where org_id = @OrgId
                  {which ?? "order by chat_id, first_seq"}
                limit @BatchRows
                for update skip locked
            )
            delete from search_chunks
            using piece
            where search_chunks.org_id = @OrgId
              and (search_chunks.chat_id, search_chunks.first_seq) = (piece.chat_id, piece.first_seq)
            """,
            piece,
            ct);
}
