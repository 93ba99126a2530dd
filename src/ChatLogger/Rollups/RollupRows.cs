using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Rollups;

/// <summary>
/// Reads and writes the stored rollups of an organization. A bucket is updated by reading it, changing it and writing it back as a
/// whole, while holding the lock of the rollup offset.
/// </summary>
internal static class RollupRows
{
    /// <summary>The buckets that exist for the spans, by tier and start (in milliseconds since 1970).</summary>
    public static async Task<Dictionary<(int Tier, long Start), RollupBucket>> Read(
        Sql.Transaction transaction,
        Guid orgId,
        IReadOnlyCollection<(int Tier, long Start)> spans)
    {
        var rows = await transaction.QueryAsync<BucketRow>(
            """
            select r.tier, r.start, r.counts, r.people, r.tags, r.models, r.conversations
            from unnest(@Tiers, @Starts) as s(tier, start)
            join rollups r on r.org_id = @OrgId and r.tier = s.tier and r.start = s.start
            """,
            new
            {
                OrgId = orgId,
                Tiers = spans.Select(span => span.Tier).ToArray(),
                Starts = spans.Select(span => TimeBuckets.Instant(span.Start)).ToArray(),
            });
        var buckets = new Dictionary<(int Tier, long Start), RollupBucket>(rows.Count);
        foreach (var row in rows)
        {
            var start = TimeBuckets.Milliseconds(row.Start);
            var bucket = new RollupBucket();
            bucket.Counts.Add(row.Counts);
            bucket.Add(row.People, row.Tags, start);
            bucket.AddModels(row.Models);
            bucket.Conversations.Add(row.Conversations);
            buckets.Add((row.Tier, start), bucket);
        }
        return buckets;
    }

    /// <summary>Replaces stored buckets; deletes the empty ones.</summary>
    public static async Task Write(
        Sql.Transaction transaction,
        Guid orgId,
        IReadOnlyDictionary<(int Tier, long Start), RollupBucket> buckets)
    {
        var gone = buckets.Where(each => each.Value.IsEmpty).Select(each => each.Key).ToList();
        if (gone.Count > 0)
        {
            await transaction.ExecuteAsync(
                """
                delete from rollups
                using unnest(@Tiers, @Starts) as s(tier, start)
                where rollups.org_id = @OrgId
                  and rollups.tier = s.tier
                  and rollups.start = s.start
                """,
                new
                {
                    OrgId = orgId,
                    Tiers = gone.Select(span => span.Tier).ToArray(),
                    Starts = gone.Select(span => TimeBuckets.Instant(span.Start)).ToArray(),
                });
        }

        var kept = buckets.Where(each => !each.Value.IsEmpty).OrderBy(each => each.Key).ToList();
        if (kept.Count == 0)
            return;
        await using var write = new NpgsqlCommand(
            """
            insert into rollups (org_id, tier, start, counts, people, tags, models, conversations)
            select $1, r.tier, r.start, r.counts, r.people, r.tags, r.models, r.conversations
            from unnest($2, $3, $4, $5, $6, $7, $8) as r(tier, start, counts, people, tags, models, conversations)
            on conflict (org_id, tier, start) do update
            set counts = excluded.counts, people = excluded.people, tags = excluded.tags, models = excluded.models,
                conversations = excluded.conversations
            """,
            transaction.Connection,
            transaction.Inner);
        write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = orgId });
        write.Parameters.Add(ArrayParameter.Of(NpgsqlDbType.Integer, kept.Select(each => each.Key.Tier).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.TimestampTz, kept.Select(each => TimeBuckets.Instant(each.Key.Start)).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value.Counts)).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value.People, each.Key.Start)).ToArray())
        );
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value.Tags)).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value.Models)).ToArray()));
        write.Parameters.Add(
            ArrayParameter.Of(NpgsqlDbType.Bytea, kept.Select(each => RollupCodec.Of(each.Value.Conversations)).ToArray()));
        await write.ExecuteNonQueryAsync(transaction.Ct);
    }

    private sealed record BucketRow(
        short Tier, DateTime Start, byte[] Counts, byte[] People, byte[] Tags, byte[] Models, byte[] Conversations);
}
