using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// How far behind the consumers of the change feed are: the oldest change of all organizations that each has not consumed yet.
/// </summary>
/// <param name="consumers">The consumers.</param>
/// <param name="db">Where the changes and the offsets are.</param>
/// <param name="time">The clock.</param>
/// <param name="log">For failures.</param>
internal sealed class FeedLag(IEnumerable<FeedConsumerName> consumers, NpgsqlDataSource db, TimeProvider time, ILogger<FeedLag> log)
    : PolledGauges<FeedLag.OldestAges>(TimeSpan.FromSeconds(15), log), IObservableGauges
{
    private readonly string[] _consumers = [.. consumers.Select(consumer => consumer.Value)];
    private ObservableGauge<double>? _ages;

    protected override bool IsWanted => _ages?.Enabled == true;

    public void Add(Meter meter) =>
        _ages = meter.CreateObservableGauge(
            "chatlogger.feed.consumer.lag",
            () => Last is { } last ? _consumers.Select(name => Of(name, last)) : [],
            "s",
            "How long ago the oldest message arrived that is not counted ahead or indexed yet; 0 when there is none. "
                + "Answers are right all the same."
        );

    // The first unconsumed message of each organization is its oldest. Its id tells when it was written; createdAt does not, as callers may
    // set it.
    protected override async Task<OldestAges?> Count(CancellationToken ct)
    {
        var ages = new Dictionary<string, double>();
        foreach (var consumer in _consumers)
        {
            foreach (var id in await Oldest(consumer, ct))
                ages[consumer] = (time.GetUtcNow() - Arrived(id)).TotalSeconds;
        }
        return new(ages);
    }

    private Task<IReadOnlyList<Guid>> Oldest(string consumer, CancellationToken ct) => db.ReadAsync<Guid>(
        """
        select m.id
        from organization_log l
        left join followers f on f.org_id = l.org_id and f.follower = @Follower
        cross join lateral (
            select id
            from messages
            where org_id = l.org_id
              and seq > coalesce(f.seq, -1)
            order by seq
            limit 1
        ) m
        where l.closed_at is null
        order by m.id
        limit 1
        """,
        new { Follower = consumer },
        ct);

    private static Measurement<double> Of(string consumer, OldestAges last) => new(
        Math.Max(0, last.Ages.GetValueOrDefault(consumer)), new KeyValuePair<string, object?>("chatlogger.feed.consumer", consumer));

    // RFC 9562, section 5.7 (UUIDv7): the first 48 bits are the milliseconds since 1970.
    private static DateTimeOffset Arrived(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }

    internal sealed record OldestAges(IReadOnlyDictionary<string, double> Ages);
}
