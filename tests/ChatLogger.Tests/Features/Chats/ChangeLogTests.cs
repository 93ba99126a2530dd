using System.Collections.Concurrent;
using ChatLogger.ChangeFeed;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>No change appears below the settled number later, and a consumer of the feed gets each change once.</summary>
public partial class ChangeLogTests(App app) : IClassFixture<App>
{
    private ChangeLog Changes => app.Services.GetRequiredService<ChangeLog>();

    [Fact]
    public async Task The_feed_does_not_pass_numbers_that_a_running_transaction_may_still_commit()
    {
        var acme = await app.Org("acme");
        var chat = Guid.Parse(await acme.Chat());
        await using var slow = await app.Rows.OpenConnectionAsync();
        var transaction = await slow.BeginTransactionAsync();
        var seq = await Insert(slow, acme.Id, chat);

        // No transaction that began after it has ended: its id is beyond the xmax of a snapshot.
        Assert.True(await Changes.Commit(default) < seq);
        Assert.True(await Changes.Commit(default) < seq);
        await acme.Say(await acme.Chat(), "of another transaction, which is over");
        Assert.True(await Changes.Commit(default) < seq);
        await transaction.CommitAsync();

        await Settles(await app.Value<long>("select max(seq) from messages"));
    }

    [Fact]
    public async Task A_rolled_back_transaction_does_not_delay_the_feed()
    {
        var acme = await app.Org("acme");
        var chat = Guid.Parse(await acme.Chat());
        await using var undone = await app.Rows.OpenConnectionAsync();
        var transaction = await undone.BeginTransactionAsync();
        var seq = await Insert(undone, acme.Id, chat);
        Assert.True(await Changes.Commit(default) < seq);
        await transaction.RollbackAsync();

        await Settles(seq);
    }

    [Fact]
    public async Task A_reader_up_to_the_settled_number_never_misses_what_commits_late()
    {
        var acme = await app.Org("acme");
        var chats = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ => Guid.Parse(await acme.Chat())));
        var other = await app.AnotherInstance();
        using var over = new CancellationTokenSource();
        // Counts the rows up to a settled number, at that time and again at the end.
        var seen = new ConcurrentBag<(long Settled, long Count)>();

        async Task Write(int writer)
        {
            var random = new Random(writer);
            await using var connection = await app.Rows.OpenConnectionAsync();
            // Until the readers have seen the number grow, too.
            for (var i = 0; i < 60 || (i < 3_000 && seen.Select(each => each.Count).Distinct().Count() < 10); i++)
            {
                await using var transaction = await connection.BeginTransactionAsync();
                for (var n = random.Next(3); n >= 0; n--)
                    await Insert(connection, acme.Id, chats[writer]);
                if (random.Next(4) == 0)
                    await Task.Delay(random.Next(15));
                if (random.Next(5) > 0)
                    await transaction.CommitAsync();
            }
        }

        async Task Read(ChangeLog changeLog)
        {
            while (!over.IsCancellationRequested)
            {
                var settled = await changeLog.Commit(default);
                seen.Add((settled, await UpTo(settled)));
            }
        }
        Task<long> UpTo(long settled) =>
            app.Value<long>("select count(*) from messages where org_id = @Id and seq <= @settled", new { acme.Id, settled });

        var reading = new[] { Changes, other.Services.GetRequiredService<ChangeLog>() }
            .Select(changeLog => Task.Run(() => Read(changeLog)))
            .ToArray();
        await Task.WhenAll(Enumerable.Range(0, chats.Length).Select(writer => Task.Run(() => Write(writer))));
        await over.CancelAsync();
        await Task.WhenAll(reading);
        await other.Stop();

        Assert.True(seen.Select(each => each.Count).Distinct().Count() > 5, "The readers came too late for the test to mean anything.");
        foreach (var (settled, count) in seen.Distinct())
            Assert.Equal((settled, await UpTo(settled)), (settled, count));
    }

    [Fact]
    public async Task A_copy_on_another_server_does_not_wait_for_transactions_of_the_first()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await acme.Say(chat, "a");
        await app.Execute("update arrivals set settled_seq = 0, pending_seq = 1, pending_xid = '4000000000000'::xid8");

        await Settles(await app.Value<long>("select max(seq) from messages"));
    }

    [Theory]
    [InlineData("chats")]
    [InlineData("messages")]
    public async Task A_number_is_drawn_only_once_the_transaction_has_locked_what_it_writes_below(string what)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var plugin = await acme.Plugin();
        await using var holder = await app.Rows.OpenConnectionAsync();
        var transaction = await holder.BeginTransactionAsync();
        await using (
            var take = new NpgsqlCommand(
                what == "chats" ? "select from organizations where id = $1 for update" : "select from chats where org_id = $1 for update",
                holder))
        {
            take.Parameters.Add(new() { Value = acme.Id });
            await take.ExecuteNonQueryAsync();
        }
        var before = await Last();

        var writing = plugin.Post(
            what == "chats" ? $"{acme.ApiPath}/chats" : $"{acme.ApiPath}/chats/{chat}/messages",
            what == "chats" ? new { } : new { role = "user", content = "x" });
        await app.Until("select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')");
        Assert.Equal(before, await Last());
        await transaction.CommitAsync();
        (await writing).Is(201);

        Assert.Equal(before + 1, await Last());
        Assert.Equal(before + 1, await app.Value<long>($"select max(seq) from {what} where org_id = @Id", new { acme.Id }));
        Task<long> Last() => app.Value<long>("select last_value from messages_seq_seq");
    }

    // On a shared server the transactions of other tests delay it as well.
    private async Task Settles(long seq)
    {
        await Wait.Until(async () => await Changes.Commit(default) >= seq, "It is not settled.");
    }

    // As the service does it: lock the chat before drawing the number.
    private static async Task<long> Insert(NpgsqlConnection connection, Guid org, Guid chat)
    {
        await using var insert = new NpgsqlCommand(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select org_id, id, gen_random_uuid(), 'user', 'x', now()
            from chats
            where org_id = $1
              and id = $2
            for no key update
            returning seq
            """,
            connection);
        insert.Parameters.Add(new() { Value = org });
        insert.Parameters.Add(new() { Value = chat });
        return (long)(await insert.ExecuteScalarAsync())!;
    }
}
