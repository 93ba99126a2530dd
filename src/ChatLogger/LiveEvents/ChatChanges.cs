using ChatLogger.Data;

namespace ChatLogger.LiveEvents;

/// <summary>Records changes and deletions of chats for those who follow the organization.</summary>
internal static class ChatChanges
{
    /// <summary>How long changes are kept at least: a caller who was away for longer reads everything anew.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    /// <summary>
    /// Records a change or the deletion of chats, in its transaction, which must have written or locked their rows before: so it has an id
    /// when the numbers are drawn, as <see cref="ChangeFeed.ChangeLog"/> requires.
    /// </summary>
    public static Task Record(Sql.Transaction transaction, Guid orgId, Guid[] chats, bool deleted, DateTimeOffset now) =>
        transaction.ExecuteAsync(
            """
            insert into chat_changes (org_id, chat_id, user_id, deleted, at)
            select org_id, id, user_id, @Deleted, @Now
            from chats
            where org_id = @OrgId
              and id = any(@Chats)
            """,
            new { OrgId = orgId, Chats = chats, Deleted = deleted, Now = now });
}
