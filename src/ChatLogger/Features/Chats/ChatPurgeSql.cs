using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes what hangs on chats, at most <see cref="IOrganizationPurger.BatchRows"/> rows at a time and past what others hold, for an organization that is
/// deleted and for chats that are; answers how many.
/// </summary>
internal static class ChatPurgeSql
{
    /// <summary>Of the chats in <c>@Chats</c>. In no order: asked for one, a plan may go through all that the organization has.</summary>
    public const string OfChats = "and chat_id = any(@Chats)";

    public static Task<int> RemoveFeedback(NpgsqlDataSource db, object piece, CancellationToken ct, string? which = null) =>
        db.ExecuteAsync(
            $"""
            with piece as materialized (
                select target_id
                from feedback
                where org_id = @OrgId
                  {which ?? "order by target_id"}
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

    public static Task<int> RemoveMessages(NpgsqlDataSource db, object piece, CancellationToken ct, string? which = null) =>
        db.ExecuteAsync(
            $"""
            with piece as materialized (
                select id
                from messages
                where org_id = @OrgId
                  {which ?? "order by id"}
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
