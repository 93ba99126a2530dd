using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Rollups;

/// <summary>Forgets the names of end users, tags and models that no chat has any more.</summary>
internal sealed class UnusedNames([FromKeyedServices(Pools.Analytics)] NpgsqlDataSource db, FeedSettings settings)
{
    private const int PageSums = 20_000, PageNames = 10_000;

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
                var used = await Used(transaction, orgId);
                var names = await transaction.QueryAsync<int>("select no from rollup_names where org_id = @OrgId", new { OrgId = orgId });
                var forgotten = 0;
                foreach (var unused in names.Where(no => !used.Contains(no)).Chunk(PageNames))
                {
                    forgotten += await transaction.ExecuteAsync(
                        "delete from rollup_names where org_id = @OrgId and no = any(@Unused)", new { OrgId = orgId, Unused = unused });
                }
                return forgotten;
            },
            ct);
    }

    // Page by page, so that no statement grows with the organization.
    private static async Task<HashSet<int>> Used(Sql.Transaction transaction, Guid orgId)
    {
        var used = new HashSet<int>();
        for (Guid? after = Guid.Empty; after is not null;)
        {
            var page = await transaction.QuerySingleOrDefaultAsync<Page>(
                """
                with page as materialized (
                    select chat_id, member, end_user, tags, models
                    from chat_sums
                    where org_id = @OrgId
                      and chat_id > @After
                    order by chat_id
                    limit @PageSums
                )
                select (select chat_id from page order by chat_id desc limit 1) as last,
                       array(select distinct unnest(array[member, end_user] || tags || models) from page) as names
                """,
                new { OrgId = orgId, After = after, PageSums });
            used.UnionWith(page?.Names ?? []);
            after = page?.Last;
        }
        return used;
    }

    private sealed record Page(Guid? Last, int[] Names);
}
