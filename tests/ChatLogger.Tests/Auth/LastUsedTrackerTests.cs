using ChatLogger.Auth;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Tests.Auth;

/// <summary>When a key was last used.</summary>
public class LastUsedTrackerTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_last_use_of_a_key_is_listed_to_the_minute()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var unused = await acme.Key();
        var plugin = await acme.Plugin();
        var used = plugin.Credential!;
        async Task<string?> LastUsed(string key) => (await admin.Get("/orgs/me/apikeys"))["items"].EnumerateArray()
            .Single(item => item.GetProperty("publicId").GetString() == key[4..20]).GetProperty("lastUsedAt").GetString();

        var before = app.Clock.GetUtcNow();
        (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        await Flush();
        var first = await LastUsed(used);
        Assert.InRange(DateTimeOffset.Parse(first!, null), before.AddMilliseconds(-1), app.Clock.GetUtcNow());
        Assert.Null(await LastUsed(unused));

        app.Clock.Advance(TimeSpan.FromSeconds(30));
        (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        await Flush();
        Assert.Equal(first, await LastUsed(used));

        app.Clock.Advance(TimeSpan.FromSeconds(31));
        (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        await Flush();
        Assert.InRange(
            DateTimeOffset.Parse((await LastUsed(used))!, null),
            before.AddSeconds(61).AddMilliseconds(-1),
            app.Clock.GetUtcNow());
    }

    [Fact]
    public async Task A_key_that_is_refused_was_not_used()
    {
        var acme = await app.Org("acme");
        var revoked = await acme.Key();
        await app.Execute("update api_keys set revoked_at = now() where org_id = @Id", new { acme.Id });

        (await app.Stranger.WithKey(revoked).Post($"{acme.ApiPath}/chats", "{}")).Is(401);
        await Flush();

        Assert.Null(await app.Value<DateTime?>("select last_used_at from api_keys where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task A_stopping_instance_writes_the_pending_uses()
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        (await other.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        Assert.Null(await app.Value<DateTime?>("select last_used_at from api_keys where org_id = @Id", new { acme.Id }));

        await other.Stop();

        Assert.NotNull(await app.Value<DateTime?>("select last_used_at from api_keys where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task A_locked_row_is_retried_later_and_the_others_are_written()
    {
        var acme = await app.Org("acme");
        var (held, free) = (await acme.Key(), await acme.Key());
        foreach (var key in new[] { held, free })
            (await app.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        await using (var blocker = await app.Rows.OpenConnectionAsync())
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await using var hold = new NpgsqlCommand("select from api_keys where public_id = $1 for update", blocker, transaction);
            hold.Parameters.AddWithValue(held[4..20]);
            await hold.ExecuteNonQueryAsync();
            await Flush();
        }

        Assert.Equal(
            free[4..20],
            await app.Value<string>("select public_id from api_keys where org_id = @Id and last_used_at is not null", new { acme.Id }));
    }

    [Fact]
    public async Task A_failing_database_is_logged_once_and_no_use_is_lost()
    {
        var acme = await app.Org("acme");
        var key = await acme.Key();
        var lines = new LogLines();
        using var logs = LoggerFactory.Create(logging => logging.AddProvider(lines));
        var connection = new NpgsqlConnectionStringBuilder(app.ConnectionString) { Options = "-c lock_timeout=50" };
        await using var pool = NpgsqlDataSource.Create(connection);
        using var uses = new LastUsedTracker(pool, app.Clock, logs.CreateLogger<LastUsedTracker>());
        uses.Record(acme.Id, key[4..20], app.Clock.GetUtcNow());

        await using (var blocker = await app.Rows.OpenConnectionAsync())
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await new NpgsqlCommand("lock table api_keys in access exclusive mode", blocker, transaction).ExecuteNonQueryAsync();
            await uses.Flush(CancellationToken.None);
            await uses.Flush(CancellationToken.None);
        }
        Assert.Single(lines.All, line => line.StartsWith("Warning", StringComparison.Ordinal));
        await uses.Flush(CancellationToken.None);

        Assert.NotNull(await app.Value<DateTime?>("select last_used_at from api_keys where org_id = @Id", new { acme.Id }));
    }

    private Task Flush() => app.Services.GetRequiredService<LastUsedTracker>().Flush(CancellationToken.None);
}
