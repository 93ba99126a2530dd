using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>How far behind those are who follow arrivals: of all organizations, as the database has it.</summary>
internal sealed class FollowerBacklog(NpgsqlDataSource db, TimeProvider time, ILogger<FollowerBacklog> log)
    : PolledGauges<FollowerBacklog.Counted>(TimeSpan.FromSeconds(15), log), IGauges
{
    private ObservableGauge<double>? _ages;

    protected override bool IsWanted => _ages?.Enabled == true;

    public void Add(Meter meter) => _ages = meter.CreateObservableGauge(
        "chatlogger.follower.oldest_age",
        () => Last is { } last ? new[] { Of(Rollups.Name, last), Of(SearchIndexer.Name, last) } : [],
        "s",
        "How long ago the oldest message arrived that is not counted ahead or indexed yet; 0 when there is none. Answers are right all the same.");

    // The first that waits in each organization is the oldest there; its id tells when it arrived, whatever its createdAt.
    protected override async Task<Counted?> Count(CancellationToken ct) => new((await db.QueryAsync<Waiting>(
        """
        select distinct on (n.follower) n.follower, m.id
        from organizations o
        cross join unnest(@Followers) as n(follower)
        left join followers f on f.org_id = o.id and f.follower = n.follower
        cross join lateral (
            select id
            from messages
            where org_id = o.id
              and seq > coalesce(f.seq, -1)
            order by seq
            limit 1
        ) m
        where o.deleted_at is null
        order by n.follower, m.id
        """,
        new { Followers = new[] { Rollups.Name, SearchIndexer.Name } },
        ct)).ToDictionary(each => each.Follower, each => (time.GetUtcNow() - Arrived(each.Id)).TotalSeconds));

    private static Measurement<double> Of(string follower, Counted last) => new(
        Math.Max(0, last.Ages.GetValueOrDefault(follower)), new KeyValuePair<string, object?>("chatlogger.follower", follower));

    // RFC 9562, 5.7: the first 48 bits are milliseconds since 1970.
    private static DateTimeOffset Arrived(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }

    internal sealed record Counted(IReadOnlyDictionary<string, double> Ages);

    private sealed record Waiting(string Follower, Guid Id);
}
