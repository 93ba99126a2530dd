using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>Forgets the names of end users, tags and models that no chat has any more.</summary>
internal sealed class UnusedNames([FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings settings)
{
    /// <summary>
    /// Aggregates what is committed now, and then removes the names of ids that no sum of a chat has. The rollups have none of these ids
    /// either, because they are made of the sums. The lock of the offset keeps ids from being given out meanwhile.
    /// </summary>
    public async Task Forget(Guid orgId, CancellationToken ct)
    {
        var head = await db.InTransactionAsync(transaction => OrganizationLog.HeadOf(transaction, orgId), ct);
        await RollupUpdates.CatchUp(db, orgId, head, settings.BatchRows, ct);
        await db.InTransactionAsync(
            async transaction =>
            {
                if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, RollupUpdates.Name, wait: true) is null)
                    return 0;
                return await transaction.ExecuteAsync(
                    """
                    delete from rollup_names
                    where org_id = @OrgId
                      and no not in (
                          select member from chat_sums where org_id = @OrgId
                          union all
                          select end_user from chat_sums where org_id = @OrgId
                          union all
                          select unnest(tags) from chat_sums where org_id = @OrgId
                          union all
                          select unnest(models) from chat_sums where org_id = @OrgId
                      )
                    """,
                    new { OrgId = orgId });
            },
            ct);
    }
}
