using ChatLogger.Http;
using ChatLogger.Ingest;
using Microsoft.Extensions.Configuration;
using Npgsql;
using NSubstitute;

namespace ChatLogger.Tests.Contracts;

public partial class GroupCommitTests
{
    [Fact]
    public async Task A_locked_log_delays_only_its_own_writes_and_keeps_their_order()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (chat, theirs) = (await acme.Chat(), await globex.Chat());
        await using var blocker = await Lock($"select from organization_log where org_id = '{acme.Id}' for update");

        var waiting = new List<Task<Answer>>();
        for (var i = 0; i < 5; i++)
        {
            waiting.Add(Say(acme, chat, $"{i}"));
            await app.Queued(i + 1);
        }
        var pace = LoadAwareStopwatch.Start();
        for (var i = 0; i < 10; i++)
        {
            (await Say(globex, theirs, "a")).Is(201);
            await globex.Chat();
        }
        await pace.Within(2);
        Assert.DoesNotContain(waiting, answer => answer.IsCompleted);
        await blocker.DisposeAsync();

        Assert.All(await Task.WhenAll(waiting), answer => answer.Is(201));
        Assert.Equal(
            "01234",
            await app.Value<string>($"select string_agg(content, '' order by seq) from messages where chat_id = '{chat}'"));
    }

    [Fact]
    public async Task A_chat_that_is_locked_by_hand_does_not_hold_up_the_others_of_its_organization()
    {
        var acme = await app.Org("acme");
        var (locked, free) = (await acme.Chat(), await acme.Chat());
        await using var blocker = await Lock($"select from chats where org_id = '{acme.Id}' and id = '{locked}' for update");

        var waiting = Say(acme, locked, "a");
        await app.Queued(1);
        (await Say(acme, free, "a")).Is(201);
        Assert.False(waiting.IsCompleted);
        await blocker.DisposeAsync();

        (await waiting).Is(201);
    }

    [Theory]
    [InlineData("organizations", "id")]
    [InlineData("users", "org_id")]
    public async Task A_locked_owner_delays_only_its_own_chats(string table, string column)
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var member = (await acme.Member("user")).Id;
        var (plugin, _) = (await acme.Plugin(), await globex.Chat());
        await using var blocker = await Lock($"select from {table} where {column} = '{acme.Id}' for update");

        var waiting = plugin.Post($"{acme.ApiPath}/chats", new { userId = member });
        var pace = LoadAwareStopwatch.Start();
        for (var i = 0; i < 10; i++)
            await globex.Chat();
        await pace.Within(2);
        // Where tables are distributed, none refers to those of the coordinator, and even these chats need not wait.
        if (CitusCluster.IsGiven)
            (await waiting).Is(201);
        else
            Assert.False(waiting.IsCompleted);
        await blocker.DisposeAsync();

        (await waiting).Is(201);
    }

    [Fact]
    public async Task A_cancelled_waiting_write_is_not_written_and_cancels_no_other()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await using var blocker = await Lock($"select from organization_log where org_id = '{acme.Id}' for update");
        using var timeout = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{acme.ApiPath}/chats/{chat}/messages")
        {
            Content = Caller.Json("""{"role":"user","content":"gone"}"""u8.ToArray()),
        };
        request.Headers.Add("x-organization-api-key", (await acme.Plugin()).Credential);

        var hangingUp = app.Http.SendAsync(request, timeout.Token);
        var neighbour = Say(acme, chat, "here");
        await app.Queued(2);
        await timeout.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hangingUp);
        // It leaves the queue when the writer next checks the parked writes.
        await app.Queued(1);
        await blocker.DisposeAsync();

        (await neighbour).Is(201);
        Assert.Equal("here", await app.Value<string>("select string_agg(content, ' ') from messages where org_id = @Id", new { acme.Id }));
    }

    [Fact]
    public async Task Two_instances_that_write_to_the_same_chats_do_not_deadlock()
    {
        var acme = await app.Org("acme");
        var chats = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => acme.Chat()));
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        try
        {
            // Each locks in its own order: one from the first chat on, the other from the last; with keys, and in batches too.
            async Task<Answer[]> Write(Caller plugin, string[] order, string name) =>
                await Task.WhenAll(
                    Enumerable
                        .Range(0, 160)
                        .Select(i =>
                            i % 20 == 0
                                ? plugin.Post(
                                    $"{acme.ApiPath}/batch",
                                    new
                                    {
                                        items = order.Select(
                                            (chat, n) =>
                                                new
                                                {
                                                    type = "message",
                                                    chatId = chat,
                                                    role = "user",
                                                    content = $"{name} {i} {n}",
                                                    idempotencyKey = $"shared {i} {chat}",
                                                }),
                                    })
                                : plugin.Post(
                                    $"{acme.ApiPath}/chats/{order[i % 8]}/messages",
                                    new { role = "user", content = $"{name} {i}" })));
            var answers = await Task.WhenAll(
                Write(app.Stranger.WithKey(key), chats, "one"),
                Write(other.Stranger.WithKey(key), [.. chats.Reverse()], "two"));

            Assert.All(answers.SelectMany(each => each), answer => Assert.True(answer.Status is 201 or 207, answer.Body));
            // One item with each key exists: the other instance's has another body and was refused.
            Assert.Equal(2 * 152 + 8 * 8, await acme.Count("messages"));
            Assert.Equal(0, await app.Value<long>("select deadlocks from pg_stat_database where datname = current_database()"));
        }
        finally
        {
            await other.Stop();
        }
    }

    [Fact]
    public async Task A_write_cancelled_in_the_queue_is_not_sent_to_the_database()
    {
        var first = new TaskCompletionSource<WriteStatus[]>();
        var seen = new List<int>();
        var flush = Substitute.For<IWriteTransaction>();
        flush.Run(null!, false).ReturnsForAnyArgs(call =>
        {
            seen.Add(call.Arg<IReadOnlyList<(IBulkInsert, IWrite)>>().Count);
            return seen.Count == 1 ? first.Task : Task.FromResult(new WriteStatus[seen[^1]]);
        });
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(flush, db);
        var capacity = new QueueCapacity(4, 1_000_000);
        Task<WriteStatus> Write(CancellationToken ct = default) => commit.Write(Anything(), Substitute.For<IBulkInsert>(), capacity, ct);
        using var timeout = new CancellationTokenSource();

        var inFlight = Write();
        await Wait.Until(() => seen.Count == 1);
        var givingUp = Write(timeout.Token);
        var (staying, another) = (Write(), Write());
        // Four are queued: there is no capacity for a fifth, which is refused at once.
        Assert.Equal(
            ProblemType.Unavailable,
            (await Assert.ThrowsAsync<ProblemException>(() => Write())).Type);
        await timeout.CancelAsync();
        // The error names the queue, because this write never reached the database.
        Assert.Contains(
            "queue",
            ProblemWriter.Of(await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givingUp)).Message,
            StringComparison.Ordinal);
        first.SetResult([WriteStatus.Written]);

        Assert.Equal([WriteStatus.Written, WriteStatus.Written, WriteStatus.Written], await Task.WhenAll(inFlight, staying, another));
        Assert.Equal([1, 2], seen);
        Assert.Equal(WriteStatus.Written, await Write());
    }
}
