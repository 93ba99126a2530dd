using System.Data.Common;
using ChatLogger.Data;
using Dapper;

namespace ChatLogger.Rollups;

// How the statements are run.
internal static partial class RollupSql
{
    /// <summary>The parameters of <see cref="Within"/>.</summary>
    public static object PartialBuckets(Guid orgId, long upTo, IEnumerable<TimeBuckets.PartialBucket> edges)
    {
        var all = edges.ToArray();
        return new
        {
            OrgId = orgId,
            UpTo = upTo,
            Starts = Array.ConvertAll(all, edge => edge.Start),
            Ends = Array.ConvertAll(all, edge => edge.End),
        };
    }

    /// <summary>The parameters of a statement that reads ranges of buckets.</summary>
    public static object BucketRanges(Guid orgId, int tag, List<TimeBuckets.BucketRange> segments) => new
    {
        OrgId = orgId,
        Tag = tag,
        Tiers = segments.ConvertAll(segment => segment.Tier).ToArray(),
        Starts = segments.ConvertAll(segment => segment.Start).ToArray(),
        Ends = segments.ConvertAll(segment => segment.End).ToArray(),
    };

    /// <summary>
    /// Reads the rows of rollups in ranges of buckets, each with the number of its range, from 1; only those that begin before the cells
    /// of a kind.
    /// </summary>
    public static Task<IReadOnlyList<CellsOfRange>> CellsBefore(
        RollupCells.Kind kind, Sql.Transaction snapshot, Guid orgId, int tag, List<TimeBuckets.BucketRange> ranges) =>
        snapshot.QueryAsync<CellsOfRange>(
            $"""
            select s.no::int, r.cells
            from unnest(@Tiers, @Starts, @Ends) with ordinality as s(tier, start, until, no)
            cross join lateral (
                select cells
                from rollups
                where org_id = @OrgId
                  and tag = @Tag
                  and tier = s.tier
                  and start >= s.start
                  and start < s.until
                  and first < {RollupCells.First(kind)}
                offset 0
            ) r
            """,
            BucketRanges(orgId, tag, ranges));

    public static async Task<List<AnalyticsEvent>> Read(Sql.Transaction transaction, string sql, object parameters)
    {
        var events = new List<AnalyticsEvent>();
        // There may be tens of thousands of rows, so they are read without the overhead of object mapping.
        await using var rows = (DbDataReader)await transaction.Connection.ExecuteReaderAsync(
            new CommandDefinition(sql, parameters, transaction.Inner, cancellationToken: transaction.Ct));
        while (await rows.ReadAsync(transaction.Ct))
        {
            events.Add(new(
                (AnalyticsEventKind)rows.GetInt32(0),
                rows.GetGuid(1),
                TimeBuckets.Milliseconds(rows.GetDateTime(2)),
                rows.IsDBNull(3) ? null : rows.GetGuid(3),
                rows.IsDBNull(4) ? null : rows.GetString(4),
                rows.GetFieldValue<string[]>(5),
                rows.IsDBNull(6) ? null : rows.GetString(6),
                rows.GetInt32(7),
                rows.IsDBNull(8) ? null : rows.GetInt32(8),
                rows.GetInt32(9),
                rows.GetInt32(10),
                rows.GetInt32(11),
                rows.GetInt32(12),
                rows.GetInt32(13)));
        }
        return events;
    }

    public sealed record CellsOfRange(int No, byte[] Cells);
}
