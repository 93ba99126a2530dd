using System.Diagnostics;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>
/// Removes the index of version 0.1 (the table <c>search_chunks</c>) from organizations whose new index is complete. Such a version,
/// if it still runs, finds its offset gone and scans the messages instead.
/// </summary>
internal sealed partial class OldIndexCleanup(NpgsqlDataSource db, ILogger<OldIndexCleanup> log) : PeriodicJob(TimeSpan.FromMinutes(10))
{
    private const string OldName = "search";

    public override async Task Run(CancellationToken ct)
    {
        foreach (var orgId in await Complete(ct))
        {
            var since = Stopwatch.GetTimestamp();
            while (await Remove(orgId, ct))
            {
                await Delay(since, ct);
                since = Stopwatch.GetTimestamp();
            }
        }
    }

    public override void Failed(Exception failure) => CannotRemove(log, failure);

    private Task<IReadOnlyList<Guid>> Complete(CancellationToken ct) =>
        db.ReadAsync<Guid>(
            """
            select l.org_id
            from organization_log l
            join followers old on old.org_id = l.org_id and old.follower = @OldName
            join followers f on f.org_id = l.org_id and f.follower = @Name
            where l.closed_at is null
              and f.seq >= old.seq
            """,
            new { OldName, SearchIndexer.Name },
            ct);

    // Returns whether there is more. The offset moves back before the first row goes, and goes with the last one.
    private Task<bool> Remove(Guid orgId, CancellationToken ct) => db.InTransactionAsync(
        async transaction =>
        {
            if (await FeedConsumer.ConsumerOffset.Take(transaction, orgId, OldName, wait: false) is not { } seq)
                return false;
            if (seq >= 0)
            {
                await FeedConsumer.ConsumerOffset.Move(transaction, orgId, OldName, -1);
                return true;
            }
            var parameters = new { OrgId = orgId, OldName, IOrganizationPurger.BatchRows };
            if (await transaction.ExecuteAsync(DeleteBatch.Of("search_chunks", "order by chat_id, first_seq"), parameters) > 0)
                return true;
            await transaction.ExecuteAsync("delete from followers where org_id = @OrgId and follower = @OldName", parameters);
            return false;
        },
        ct);

    [LoggerMessage(LogLevel.Warning, "Rows of the old search index cannot be removed; retrying")]
    private static partial void CannotRemove(ILogger log, Exception failure);
}
