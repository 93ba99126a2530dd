using System.Diagnostics;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using Dapper;
using Npgsql;
using Range = ChatLogger.Features.DateRange;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// The same summary from the messages themselves, by the service's own statements but without HTTP: what its rollups must equal, and
/// how long it takes without them.
/// </summary>
internal sealed class SummaryFromRows(NpgsqlDataSource source, Guid org)
{
    private static readonly JsonSerializerOptions Wire = Make();

    public static async Task<SummaryFromRows> Of(NpgsqlDataSource source, string slug, CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        return new(source, await connection.ExecuteScalarAsync<Guid?>("select id from organizations where slug = @slug", new { slug })
            ?? throw new UsageException("There is no such organization in the database."));
    }

    /// <summary>Waits until the service has aggregated everything.</summary>
    public async Task Aggregated(CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        for (var said = false; !await connection.ExecuteScalarAsync<bool>(
            """
            select coalesce((select seq from followers where org_id = @org and follower = 'rollups'), -1)
                >= coalesce((select max(seq) from messages where org_id = @org), -1)
            """,
            new { org }); said = true)
        {
            if (!said)
                await Console.Error.WriteLineAsync("Waiting for the service to aggregate all messages…");
            await Task.Delay(500, stop);
        }
    }

    public async Task<(TimeSpan Time, byte[] Body)> Get(CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var now = DateTimeOffset.UtcNow;
        var query = new Summary.Query(org, null, null, "Europe/Amsterdam", [], null, 10);
        var range = Range.Parse(null, null, Range.ZoneOf(query.Tz, null), now, 366);
        var summary = await source.InSnapshotAsync(snapshot => SummaryFromMessages.ReadAsync(
            snapshot, query, range, now, new ModelPrices(new Dictionary<string, ModelPrice>())), stop);
        var body = JsonSerializer.SerializeToUtf8Bytes(summary, Wire);
        return (Stopwatch.GetElapsedTime(started), body);
    }

    /// <summary>The first thing that is not the same in two summaries; percentiles may differ by one per cent. Null: none.</summary>
    public static string? Difference(JsonElement expected, JsonElement actual, string path = "")
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object when actual.ValueKind == JsonValueKind.Object:
                return expected.EnumerateObject()
                    .Where(property => property.Name != "asOf")
                    .Select(property =>
                        actual.TryGetProperty(property.Name, out var other)
                            ? Difference(property.Value, other, $"{path}.{property.Name}")
                            : $"{path}.{property.Name}")
                    .FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Array when actual.ValueKind == JsonValueKind.Array && expected.GetArrayLength() == actual.GetArrayLength():
                return expected.EnumerateArray().Zip(actual.EnumerateArray())
                    .Select((pair, i) => Difference(pair.First, pair.Second, $"{path}[{i}]"))
                    .FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Number when path[^5..] is ['p', _, _, 'M', 's'] && actual.ValueKind == JsonValueKind.Number:
                return Math.Abs(expected.GetInt64() - actual.GetInt64()) * 100 <= expected.GetInt64()
                    ? null
                    : $"{path}: {actual} for {expected}";
            default:
                return JsonElement.DeepEquals(expected, actual) ? null : $"{path}: {actual} for {expected}";
        }
    }

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Json.Configure(options);
        return options;
    }
}
