using System.Text.Json;
using ChatLogger.Rollups;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>The rollups and the rows give the same counts at any time.</summary>
public partial class RollupsTests(RollupApp app) : IClassFixture<RollupApp>
{
    private static readonly string[] Zones = ["UTC", "Europe/Amsterdam", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"];

    private NpgsqlDataSource Db => app.Services.GetRequiredService<NpgsqlDataSource>();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task While_two_instances_aggregate_every_reader_gets_the_counts_of_the_rows(int seed)
    {
        var acme = await app.Org("acme");
        var other = await app.AnotherInstance();
        var story = new RollupFixture(acme, await acme.Key("ingest", "import"), (await acme.Member("user")).Id, await acme.Admin());
        await story.Open(new Random(seed));
        using var over = new CancellationTokenSource();

        var aggregating = new[] { app, other }.Select((instance, n) => Task.Run(async () =>
        {
            var random = new Random(seed + n);
            while (!over.IsCancellationRequested)
            {
                await instance.Aggregate(acme, rows: random.Next(1, 20));
                await Task.Delay(random.Next(10));
            }
        })).ToArray();
        var reading = Enumerable.Range(0, 2).Select(n => Task.Run(async () =>
        {
            var random = new Random(seed + (10 * n));
            for (var read = 0; read < 5 || !over.IsCancellationRequested; read++)
                await AgreeSomewhere(acme, random);
        })).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(() => story.Go(app, new Random((100 * seed) + n), steps: 60))));
        await over.CancelAsync();
        await Task.WhenAll([.. aggregating, .. reading]);
        await other.Stop();

        var last = new Random(seed);
        for (var read = 0; read < 10; read++)
            await AgreeSomewhere(acme, last);
        await app.FoldAll(acme);
        for (var read = 0; read < 10; read++)
            await AgreeSomewhere(acme, last);
        var (rollups, differences) = await Rebuild(acme);
        Assert.True(rollups > 100, "Nothing was aggregated.");
        Assert.Equal(0, differences);
    }

    [Fact]
    public async Task A_long_transaction_delays_the_aggregation_of_no_other_organization()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var (slow, quick) = (Guid.Parse(await globex.Chat()), await acme.Chat());
        await using var connection = await app.Rows.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand(
            """
            select from organization_log where org_id = @OrgId for no key update;
            insert into messages (org_id, chat_id, id, role, content, created_at)
            values (@OrgId, @ChatId, gen_random_uuid(), 'assistant', 'x', date_trunc('milliseconds', now()))
            """,
            connection))
        {
            insert.Parameters.AddWithValue("OrgId", globex.Id);
            insert.Parameters.AddWithValue("ChatId", slow);
            await insert.ExecuteNonQueryAsync();
        }
        for (var i = 0; i < 5; i++)
            await acme.Say(quick, "x");
        await app.FoldAll(acme);
        Assert.Equal(5, await Messages(acme));
        Assert.Equal(0, await Messages(globex));

        await transaction.CommitAsync();

        Assert.Equal(1, await Messages(globex));
        await app.FoldAll(globex);
        Assert.Equal(1, await Messages(globex));
        Assert.Equal(0, (await Rebuild(globex)).Differences);
    }

    [Fact]
    public async Task An_aggregation_that_is_killed_halfway_leaves_nothing_and_is_repeated()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(new { tags = new[] { "billing" } }), "x");
        // Another session has written the row that aggregation reaches last, and does not commit.
        await using var holder = await app.Rows.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (
            var insert = new NpgsqlCommand(
                "insert into rollups (org_id, tag, tier, start, first, cells) "
                    + "select $1, 0, 2, date_trunc('day', created_at, 'UTC'), 0, '' from chats where org_id = $1",
                holder))
        {
            insert.Parameters.Add(new() { Value = acme.Id });
            Assert.Equal(1, await insert.ExecuteNonQueryAsync());
        }

        var aggregating = app.Aggregate(acme);
        await Wait.Until(async () => await app.OnNodes(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' "
                + "and query ilike 'insert into %rollups%'") == 1);
        await aggregating;
        await transaction.RollbackAsync();

        Assert.Equal(0, await acme.Count("rollups") + await acme.Count("rollup_names"));
        Assert.Equal(0, await app.Value<long>(
            "select count(*) from followers where org_id = @Id and follower = @Name", new { acme.Id, RollupUpdates.Name }));
        Assert.Equal(1, await Messages(acme));
        await app.FoldAll(acme);
        // A quarter, an hour and a day, of all chats and of those with the tag.
        Assert.Equal(6, await acme.Count("rollups"));
        Assert.Equal(1, await Messages(acme));
    }

    private async Task<int> Messages(Org org) => (await Agree(org)).GetProperty("totals").GetProperty("messages").GetInt32();

    private Task<JsonElement> Agree(Org org) => app.Agree(org, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

    private async Task AgreeSomewhere(Org org, Random random)
    {
        var now = DateTimeOffset.UtcNow;
        var from = random.Next(3) switch
        {
            0 => now.Date.AddDays(-random.Next(1, 6)),
            1 => now.AddMinutes(-random.Next(10 * 24 * 60)),
            _ => now.Date.AddMinutes(-15 * random.Next(1, 800)),
        };
        var length = random.Next(4) switch
        {
            0 => TimeSpan.FromMilliseconds(random.Next(1, 2_000_000)),
            1 => TimeSpan.FromDays(random.Next(1, 9)),
            2 => now.AddSeconds(5) - from,
            _ => TimeSpan.FromMinutes(random.Next(1, 9_000)),
        };
        var (start, zone) = (new DateTimeOffset(from.Ticks, TimeSpan.Zero), Zones[random.Next(Zones.Length)]);
        string[] tags = [.. random.GetItems(RollupFixture.Tags, random.Next(5) is var n && n < 3 ? n : 1)];
        var model = random.Next(4) == 0 ? RollupFixture.Models[random.Next(RollupFixture.Models.Length)] : null;
        await app.Agree(org, start, start + length, zone, top: random.Next(1, 6), tags, model);
        await app.AgreeOnConversations(org, start, start + length, zone, tags);
    }
}
