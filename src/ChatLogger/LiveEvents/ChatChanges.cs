using ChatLogger.Data;

namespace ChatLogger.LiveEvents;

/// <summary>Records changes and deletions of chats for those who follow the organization.</summary>
internal static class ChatChanges
{
    /// <summary>How long changes are kept at least: a caller who was away for longer reads everything anew.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    /// <summary>
    /// Records a change or the deletion of a chat, in its transaction, which has locked the log of the organization and drawn the number.
    /// </summary>
    public static Task Record(Sql.Transaction transaction, Guid orgId, long seq, Guid chatId, bool deleted, DateTimeOffset now) =>
        transaction.ExecuteAsync(
            """
            insert into chat_changes (org_id, seq, chat_id, user_id, deleted, at)
            select org_id, @Seq, id, user_id, @Deleted, @Now
            from chats
            where org_id = @OrgId
              and id = @ChatId
            """,
            new { OrgId = orgId, Seq = seq, ChatId = chatId, Deleted = deleted, Now = now });
}
