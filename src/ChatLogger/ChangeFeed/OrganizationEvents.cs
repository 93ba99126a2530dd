using ChatLogger.Data;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// Records what chats, messages and ratings do not tell by themselves: that a chat was changed or deleted, or a message of it.
/// </summary>
internal static class OrganizationEvents
{
    /// <summary>
    /// How long events are kept at least: a client that was away for longer reads everything anew. Less than an hour, within which nothing
    /// names an erased chat any more.
    /// </summary>
    public static readonly TimeSpan Retention = TimeSpan.FromMinutes(45);

    /// <summary>Records an event, in its transaction, which has locked the log of the organization and drawn the number.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="orgId">The organization.</param>
    /// <param name="seq">The number.</param>
    /// <param name="chatId">The chat.</param>
    /// <param name="deleted">Whether the chat was deleted.</param>
    /// <param name="message">The message that was deleted; null: none was.</param>
    /// <param name="now">The time.</param>
    public static Task Record(
        Sql.Transaction transaction, Guid orgId, long seq, Guid chatId, bool deleted, DeletedMessage? message, DateTimeOffset now) =>
        transaction.ExecuteAsync(
            """
            insert into organization_events (org_id, seq, chat_id, user_id, deleted, message_at, message_seq, at)
            select org_id, @Seq, id, user_id, @Deleted, @MessageAt, @MessageSeq, @Now
            from chats
            where org_id = @OrgId
              and id = @ChatId
            """,
            new
            {
                OrgId = orgId,
                Seq = seq,
                ChatId = chatId,
                Deleted = deleted,
                MessageAt = message?.CreatedAt,
                MessageSeq = message?.Seq,
                Now = now,
            });

    /// <summary>Records that chats were deleted, each with a number of its own.</summary>
    public static Task RecordDeleted(Sql.Transaction transaction, Guid orgId, long[] seqs, Guid[] chats, DateTimeOffset now) =>
        transaction.ExecuteAsync(
            """
            insert into organization_events (org_id, seq, chat_id, user_id, deleted, at)
            select c.org_id, n.seq, c.id, c.user_id, true, @Now
            from unnest(@Seqs, @Chats) as n(seq, chat_id)
            join chats c on c.org_id = @OrgId and c.id = n.chat_id
            """,
            new { OrgId = orgId, Seqs = seqs, Chats = chats, Now = now });

    /// <summary>When a message had been created, and its number.</summary>
    internal sealed record DeletedMessage(DateTimeOffset CreatedAt, long Seq);
}
