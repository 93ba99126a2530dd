using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ChatLogger.ChangeFeed;
using ChatLogger.Rollups;
using ChatLogger.SearchIndex;
using ChatLogger.Tests.Features.Search;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>An operator sees how far aggregation and indexing lag.</summary>
public class FeedLagTests(SearchApp app) : IClassFixture<SearchApp>
{
    [Fact]
    public async Task The_lag_of_each_consumer_is_the_age_of_its_oldest_change()
    {
        var acme = await app.Org("acme");
        // The service's own aggregation has a first round after the start, which may come at any time; it skips an offset that is locked.
        await app.Execute("insert into followers (org_id, follower) values (@Id, 'rollups')", new { acme.Id });
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("select from followers where org_id = @Id and follower = 'rollups' for update", new { acme.Id });
        var since = Stopwatch.StartNew();
        await acme.Say(await acme.Chat(), "hello");
        // Its own time is long ago; it arrives now.
        await app.Execute("update messages set created_at = '2001-01-01Z' where org_id = @Id", new { acme.Id });
        var clock = new Clock();
        clock.Advance(TimeSpan.FromSeconds(100));

        var waiting = await Read(clock);
        // Both clocks are the machine's; they may differ by a second of rounding.
        Assert.InRange(waiting["rollups"], 100, 101 + since.Elapsed.TotalSeconds);
        Assert.InRange(waiting[SearchIndexer.Name], 100, 101 + since.Elapsed.TotalSeconds);

        await app.Index();
        var indexed = await Read(clock);
        Assert.InRange(indexed["rollups"], 100, 101 + since.Elapsed.TotalSeconds);
        Assert.Equal(0, indexed[SearchIndexer.Name]);
    }

    private async Task<IReadOnlyDictionary<string, double>> Read(TimeProvider clock)
    {
        using var meter = new Meter("follower-backlog-test");
        using var backlog = new FeedLag(
            [new(RollupUpdates.Name), new(SearchIndexer.Name)],
            app.Services.GetRequiredService<NpgsqlDataSource>(),
            clock,
            NullLogger<FeedLag>.Instance);
        backlog.Add(meter);
        var read = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, me) =>
            {
                if (instrument.Meter == meter)
                    me.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) => read[(string)tags[0].Value!] = value);
        listener.Start();
        await backlog.StartAsync(CancellationToken.None);
        await Wait.Until(
            () =>
            {
                listener.RecordObservableInstruments();
                return read.Count >= 2;
            },
            "Both are counted.");
        await backlog.StopAsync(CancellationToken.None);
        return read;
    }
}
