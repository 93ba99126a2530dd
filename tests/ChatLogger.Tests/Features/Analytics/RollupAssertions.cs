using System.Globalization;
using System.Text.Json;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Range = ChatLogger.Features.DateRange;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>Aggregates when a test says so, and requests the summary in both ways.</summary>
internal static class RollupAssertions
{
    private static readonly string[] Percentiles = ["p50Ms", "p90Ms", "p95Ms", "p99Ms"];

    /// <summary>Aggregates the settled rows of the organization in batches; the service's own worker may run at the same time.</summary>
    public static Task Aggregate(this App app, Org org, int rows = 10_000) => app.Aggregate(org, app.Worker(rows));

    /// <summary>The same by a worker that remembers the organizations it has finished; a new one checks all organizations.</summary>
    public static async Task Aggregate(this App app, Org org, RollupWorker worker)
    {
        app.Services.GetRequiredService<OrganizationLog>().Record(org.Id);
        await worker.Run(default);
    }

    /// <summary>Aggregates everything. On a shared server the transactions of others delay it as well.</summary>
    public static async Task FoldAll(this App app, Org org, int rows = 10_000)
    {
        await Wait.Until(
            async () =>
            {
                await app.Aggregate(org, rows);
                return await app.Waiting(org) == 0;
            },
            "Everything is aggregated.");
    }

    /// <summary>What arrived in the organization and is not aggregated.</summary>
    public static Task<long> Waiting(this App app, Org org) => app.Value<long>(
        """
        with cursor as (select coalesce((select seq from followers where org_id = @Id and follower = 'rollups'), -1) as seq)
        select (select count(*) from messages m where m.org_id = @Id and m.seq > c.seq)
             + (select count(*) from chats h where h.org_id = @Id and h.seq > c.seq)
             + (select count(*) from feedback f where f.org_id = @Id and f.seq > c.seq)
             + (select count(*) from feedback_replaced f where f.org_id = @Id and f.until_seq > c.seq)
             + (select count(*) from organization_events e where e.org_id = @Id and e.seq > c.seq)
        from cursor c
        """,
        new { org.Id });

    public static RollupWorker Worker(this App app, int rows = 10_000) =>
        new(
            app.Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Analytics),
            app.Services.GetRequiredService<OrganizationLog>(),
            new FeedSettings { BatchRows = rows, YieldFactor = 0 },
            app.Services.GetRequiredService<IngestActivity>(),
            TimeProvider.System,
            NullLogger<RollupWorker>.Instance);

    /// <summary>Reads the summary from the rollups and from the rows in one snapshot, compares both, and returns it.</summary>
    public static async Task<JsonElement> Agree(
        this App app,
        Org org,
        DateTimeOffset from,
        DateTimeOffset to,
        string zone = "UTC",
        int top = 3,
        string[]? tags = null,
        string? model = null)
    {
        var (rollups, rows) = await app.ReadTwice(
            org,
            async (snapshot, tail) =>
            {
                var now = DateTimeOffset.UtcNow;
                var query = new Summary.Query(org.Id, Text(from), Text(to), zone, tags ?? [], model, top);
                var range = Range.Parse(query.From, query.To, Range.ZoneOf(zone, null), now, 366);
                return Both.Of(
                    await SummaryFromRollups.ReadAsync(snapshot, query, tail, range, now, Prices),
                    await SummaryFromMessages.ReadAsync(snapshot, query, range, now, Prices));
            });
        Same(rows, rollups, "");
        return rows;
    }

    // While chats are deleted and changed without a pause, there is no moment at which all of them are moved.
    private static async Task<Both> ReadTwice(this App app, Org org, Func<Sql.Transaction, UnaggregatedEvents, Task<Both?>> read)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            var both = await UnaggregatedEvents.InSnapshot<Both>(
                app.Services.GetRequiredKeyedService<NpgsqlDataSource>(Pools.Analytics),
                org.Id,
                new FeedSettings(),
                (snapshot, tail) => tail is null ? Task.FromResult<Both?>(new(default, default)) : read(snapshot, tail),
                default);
            if (both.Rows.ValueKind != JsonValueKind.Undefined)
                return both;
        }
        throw new InvalidOperationException("The sums never caught up.");
    }

    private sealed record Both(JsonElement Sums, JsonElement Rows)
    {
        public static Both? Of<T>(T? sums, T rows) => sums is null
            ? null
            : new(
                JsonSerializer.SerializeToElement(sums, JsonSerializerOptions.Web),
                JsonSerializer.SerializeToElement(rows, JsonSerializerOptions.Web));
    }

    /// <summary>Reads conversations from the sums and from the messages in one snapshot, and compares them.</summary>
    public static async Task AgreeOnConversations(
        this App app, Org org, DateTimeOffset from, DateTimeOffset to, string zone, string[] tags)
    {
        var (sums, messages) = await app.ReadTwice(
            org,
            async (snapshot, tail) =>
            {
                var query = new Conversations.Query(org.Id, Text(from), Text(to), zone, tags);
                var range = Range.Parse(query.From, query.To, Range.ZoneOf(zone, null), DateTimeOffset.UtcNow, 366);
                var days = await ConversationDays.FromSums(snapshot, query, tail, range);
                return Both.Of(
                    days is null ? null : new { Days = days, Hours = await ConversationHours.FromSums(snapshot, query, tail, range) },
                    new
                    {
                        Days = await ConversationDays.FromMessages(snapshot, query, range),
                        Hours = await ConversationHours.FromMessages(snapshot, query, range),
                    });
            });
        Same(messages, sums, "");
    }

    private static readonly ModelPrices Prices = new(new Dictionary<string, ModelPrice> { ["gpt"] = new(2.5m, 10m) });

    /// <summary>Deletes a chat as the service does.</summary>
    public static Task<int> Delete(this App app, Org org, Guid chat) =>
        app
            .Services.GetRequiredService<NpgsqlDataSource>()
            .InTransactionAsync(
                async transaction =>
                {
                    var seqs = await app.Services.GetRequiredService<OrganizationLog>().Lock(transaction, org.Id);
                    var deleted = await transaction.ExecuteAsync(
                        "update chats set deleted_at = now() where org_id = @Id and id = @chat and deleted_at is null",
                        new { org.Id, chat });
                    if (deleted > 0)
                        await OrganizationEvents.Record(
                            transaction, org.Id, seqs[0], chat, deleted: true, message: null, DateTimeOffset.UtcNow);
                    return deleted;
                },
                default);

    /// <summary>Everything equal, percentiles within one per cent of the value.</summary>
    public static void Same(JsonElement expected, JsonElement actual, string path)
    {
        if (expected.ValueKind == JsonValueKind.Object && actual.ValueKind == JsonValueKind.Object)
        {
            Assert.Equal(
                expected.EnumerateObject().Select(property => property.Name),
                actual.EnumerateObject().Select(property => property.Name));
            foreach (var property in expected.EnumerateObject())
                Same(property.Value, actual.GetProperty(property.Name), $"{path}.{property.Name}");
        }
        else if (
            expected.ValueKind == JsonValueKind.Array
            && actual.ValueKind == JsonValueKind.Array
            && expected.GetArrayLength() == actual.GetArrayLength())
        {
            for (var i = 0; i < expected.GetArrayLength(); i++)
                Same(expected[i], actual[i], $"{path}[{i}]");
        }
        else if (Percentiles.Any(name => path.EndsWith(name, StringComparison.Ordinal)))
        {
            AreClose(expected.GetInt64(), actual.GetInt64(), path);
        }
        else
        {
            Assert.Equal($"{path}: {expected}", $"{path}: {actual}");
        }
    }

    public static void AreClose(long expected, long actual, string what) =>
        Assert.True(Math.Abs(expected - actual) * 100 <= expected, $"{what}: {actual} is not within 1 % of {expected}.");

    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
