using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>
/// Brings the rollups of an organization up to date. Invariant: the sums of chats, and so the rollups, contain all changes up to the
/// consumer offset.
/// </summary>
internal static class RollupUpdates
{
    /// <summary>The name of the consumer.</summary>
    public const string Name = "rollups";

    /// <summary>
    /// Aggregates the next batch of changes, about <paramref name="rows"/> rows, up to <paramref name="head"/> at most, and returns
    /// the new offset. The caller must hold the lock of the offset.
    /// </summary>
    public static async Task<long> Aggregate(Sql.Transaction transaction, Guid orgId, long after, long head, int rows)
    {
        var upTo = await Next(transaction, orgId, after, head, rows);
        await Aggregation.Run(transaction, orgId, after, upTo);
        await transaction.ExecuteAsync(
            "delete from feedback_replaced where org_id = @OrgId and until_seq <= @UpTo", new { OrgId = orgId, UpTo = upTo });
        return upTo;
    }

    /// <summary>
    /// Aggregates up to a number at least, or all that there is: only the sums tell what is counted of a chat that was deleted or changed.
    /// Waits for another instance that is aggregating.
    /// </summary>
    public static async Task CatchUp(NpgsqlDataSource db, Guid orgId, long needed, int rows, CancellationToken ct)
    {
        while (await db.InTransactionAsync(
                   async transaction =>
                   {
                       if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, Name, wait: true) is not { } offset)
                           return false;
                       var head = await OrganizationLog.HeadOf(transaction, orgId);
                       if (offset >= Math.Min(needed, head))
                           return false;
                       var reached = await Aggregate(transaction, orgId, offset, head, rows);
                       await FeedConsumer.ConsumerOffset.Move(transaction, orgId, Name, reached);
                       return reached < Math.Min(needed, head);
                   },
                   ct))
        {
        }
    }

    /// <summary>The number of the last deletion or change of a chat; null: there is none.</summary>
    public static Task<long?> LastEvent(Sql.Transaction transaction, Guid orgId) =>
        transaction.QuerySingleOrDefaultAsync<long?>(
            "select max(seq) from organization_events where org_id = @OrgId", new { OrgId = orgId });

    // The offset at which the next batch ends.
    private static Task<long> Next(Sql.Transaction transaction, Guid orgId, long after, long last, int rows) =>
        transaction.QuerySingleOrDefaultAsync<long>(
            """
            select least(
                @Last,
                (select seq from chats where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from messages where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from feedback where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1),
                (select seq from organization_events where org_id = @OrgId and seq > @After order by seq offset @Rows limit 1))
            """,
            new { OrgId = orgId, After = after, Last = last, Rows = rows - 1 });
}
