using System.Net.NetworkInformation;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace ChatLogger.Tests.Contracts;

/// <summary>Rows of many requests share one commit, and no request suffers from the problems of another.</summary>
public class GroupCommitTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Everybody_is_answered_with_their_own_and_each_row_is_where_it_belongs()
    {
        var orgs = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => app.Org($"org{i}")));
        var chats = await Task.WhenAll(orgs.Select(org => org.Chat()));

        await Task.WhenAll(Enumerable.Range(0, 400).Select(async i =>
        {
            var answer = await Say(orgs[i % 4], chats[i % 4], $"{i % 4} {i}");
            Assert.Equal((chats[i % 4], $"{i % 4} {i}"), (answer.Is(201).Text("chatId"), answer.Text("content")));
        }));

        for (var i = 0; i < 4; i++)
            Assert.Equal(
                100,
                await app.Value<long>(
                    $"select count(distinct content) from messages where org_id = @Id and content like '{i} %'",
                    new { orgs[i].Id }));
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_is_refused_alone()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await app.Execute("alter table messages add constraint poison check (content <> 'poison')");
        try
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Say(acme, chat, i % 50 == 7 ? "poison" : $"{i}")));

            Assert.Equal(4, answers.Count(answer => answer.Status == 400));
            Assert.All(answers.Where(answer => answer.Status != 400), answer => answer.Is(201));
            answers.First(answer => answer.Status == 400).IsInvalid("body");
            Assert.Equal(196, await acme.Count("messages"));
        }
        finally
        {
            await app.Execute("alter table messages drop constraint poison");
        }
    }

    [Fact]
    public async Task A_locked_chat_stalls_only_itself_and_keeps_its_order()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (locked, free, theirs) = (await acme.Chat(), await acme.Chat(), await globex.Chat());
        await using var blocker = await Lock($"select from chats where id = '{locked}' for update");

        var waiting = new List<Task<Answer>>();
        for (var i = 0; i < 5; i++)
        {
            waiting.Add(Say(acme, locked, $"{i}"));
            await app.Queued(i + 1);
        }
        var pace = LoadAwareStopwatch.Start();
        for (var i = 0; i < 10; i++)
        {
            (await Say(acme, free, "a")).Is(201);
            (await Say(globex, theirs, "a")).Is(201);
            await globex.Chat();
        }
        await pace.Within(2);
        Assert.DoesNotContain(waiting, answer => answer.IsCompleted);
        await blocker.DisposeAsync();

        Assert.All(await Task.WhenAll(waiting), answer => answer.Is(201));
        Assert.Equal(
            "01234",
            await app.Value<string>($"select string_agg(content, '' order by seq) from messages where chat_id = '{locked}'"));
    }

    [Theory]
    [InlineData("organizations", "id")]
    [InlineData("users", "org_id")]
    public async Task A_locked_owner_stalls_only_its_own_chats(string table, string column)
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
        Assert.False(waiting.IsCompleted);
        await blocker.DisposeAsync();

        (await waiting).Is(201);
    }

    [Fact]
    public async Task Who_hangs_up_while_waiting_is_not_written_and_takes_nobody_along()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await using var blocker = await Lock($"select from chats where id = '{chat}' for update");
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
    public async Task A_connection_that_is_cut_while_it_writes_is_another_connection_s_work_and_once()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await using var blocker = await Lock("lock table messages in share mode");

        var saying = Say(acme, chat, "a");
        await app.Until(
            """
            select coalesce(bool_or(pg_terminate_backend(pid)), false)
            from pg_stat_activity
            where datname = current_database()
              and state = 'active'
              and query like '%insert into messages%'
              and pid <> pg_backend_pid()
            """);
        await blocker.DisposeAsync();

        (await saying).Is(201);
        Assert.Equal(1, await acme.Count("messages"));
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
    public async Task A_service_that_stops_writes_what_it_has_taken()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        await using var blocker = await Lock($"select from chats where id = '{chat}' for update");

        var saying = other.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" });
        await other.Queued(1);
        var stopping = other.Services.GetRequiredService<IHost>().StopAsync();
        await Wait.Until(() => !IsListening(other.Address));
        await blocker.DisposeAsync();

        (await saying).Is(201);
        await stopping;
        await other.Stop();
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Theory]
    [InlineData("57P01")]
    [InlineData(null)]
    public async Task What_was_committed_before_the_connection_was_cut_is_known_to_be_written(string? state)
    {
        var flush = Substitute.For<IBulkInsert<NewMessage>>();
        var cut = state is null ? new NpgsqlException("cut", new IOException()) : new PostgresException("cut", "FATAL", "FATAL", state);
        flush.Run(null!, false).ReturnsForAnyArgs(
            _ => Task.FromException<WriteStatus[]>(cut),
            _ => Task.FromException<WriteStatus[]>(new PostgresException("there", "ERROR", "ERROR", "23505")));
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = new GroupCommit<NewMessage>(
            flush,
            db,
            new IngestSettings(),
            app.Services.GetRequiredService<Instruments>(),
            NullLogger.Instance);

        Assert.Equal(WriteStatus.Written, await commit.Write(Anything(), CancellationToken.None));
    }

    [Fact]
    public async Task A_row_that_was_sent_before_is_known_as_such_also_when_it_was_set_aside_and_met_others()
    {
        var flush = Substitute.For<IBulkInsert<NewMessage>>();
        var (first, other) = (Anything(), Anything());
        var calls = 0;
        flush.Run(null!, false).ReturnsForAnyArgs(call => ++calls switch
        {
            1 => Task.FromException<WriteStatus[]>(new NpgsqlException("cut", new IOException())),
            // The statement whose connection was cut is still running, and holds the lock.
            2 => Task.FromResult(new[] { WriteStatus.Locked }),
            3 => Task.FromException<WriteStatus[]>(new PostgresException("busy", "ERROR", "ERROR", "55P03")),
            4 => Task.FromException<WriteStatus[]>(new PostgresException("there", "ERROR", "ERROR", "23505")),
            // A row that was never sent cannot be a duplicate of itself.
            _ => Task.FromException<WriteStatus[]>(new PostgresException("there", "ERROR", "ERROR", "23505")),
        });
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = new GroupCommit<NewMessage>(
            flush,
            db,
            new IngestSettings(),
            app.Services.GetRequiredService<Instruments>(),
            NullLogger.Instance);

        Assert.Equal(WriteStatus.Written, await commit.Write(first, CancellationToken.None));
        Assert.Equal(
            ProblemType.Validation,
            (await Assert.ThrowsAsync<ProblemException>(() => commit.Write(other, CancellationToken.None))).Type);
        Assert.Equal(5, calls);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_tried_twice_and_not_for_ever()
    {
        var flush = Substitute.For<IBulkInsert<NewMessage>>();
        flush.Run(null!, false).ThrowsAsyncForAnyArgs(new NpgsqlException("cut", new IOException()));
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = new GroupCommit<NewMessage>(
            flush,
            db,
            new IngestSettings(),
            app.Services.GetRequiredService<Instruments>(),
            NullLogger.Instance);

        await Assert.ThrowsAsync<NpgsqlException>(() => commit.Write(Anything(), CancellationToken.None));

        await flush.ReceivedWithAnyArgs(2).Run(null!, false);
    }

    [Fact]
    public async Task Who_gives_up_in_the_queue_never_gets_to_the_database()
    {
        var first = new TaskCompletionSource<WriteStatus[]>();
        var seen = new List<int>();
        var flush = Substitute.For<IBulkInsert<NewMessage>>();
        flush.Run(null!, false).ReturnsForAnyArgs(call =>
        {
            seen.Add(call.Arg<IReadOnlyList<NewMessage>>().Count);
            return seen.Count == 1 ? first.Task : Task.FromResult(new WriteStatus[seen[^1]]);
        });
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = new GroupCommit<NewMessage>(
            flush,
            db,
            new IngestSettings { QueueRows = 4 },
            app.Services.GetRequiredService<Instruments>(),
            NullLogger.Instance);
        using var timeout = new CancellationTokenSource();

        var inFlight = commit.Write(Anything(), CancellationToken.None);
        await Wait.Until(() => seen.Count == 1);
        var givingUp = commit.Write(Anything(), timeout.Token);
        var (staying, another) = (commit.Write(Anything(), CancellationToken.None), commit.Write(Anything(), CancellationToken.None));
        // Four are queued: there is no capacity for a fifth, which is refused at once.
        Assert.Equal(
            ProblemType.Unavailable,
            (await Assert.ThrowsAsync<ProblemException>(() => commit.Write(Anything(), CancellationToken.None))).Type);
        await timeout.CancelAsync();
        // The error names the queue, because this write never reached the database.
        Assert.Contains(
            "queue",
            ProblemWriter.Of(await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givingUp)).Message,
            StringComparison.Ordinal);
        first.SetResult([WriteStatus.Written]);

        Assert.Equal([WriteStatus.Written, WriteStatus.Written, WriteStatus.Written], await Task.WhenAll(inFlight, staying, another));
        Assert.Equal([1, 2], seen);
        Assert.Equal(WriteStatus.Written, await commit.Write(Anything(), CancellationToken.None));
    }

    private static NewMessage Anything() =>
        new(
            Guid.NewGuid(),
            new Message(Guid.NewGuid(), Guid.NewGuid(), "user", "a", RawJsonObject.Empty, null, null, null, null, null, default, null),
            null);

    private async Task<NpgsqlConnection> Lock(string sql)
    {
        var connection = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; {sql}", connection).ExecuteNonQueryAsync();
        return connection;
    }

    private static bool IsListening(Uri address) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(each => each.Port == address.Port);

    private static async Task<Answer> Say(Org org, string chat, string content) =>
        await (await org.Plugin()).Post($"{org.ApiPath}/chats/{chat}/messages", new { role = "user", content });
}

/// <summary>The service with a small queue capacity.</summary>
public class NarrowApp : App
{
    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        new Dictionary<string, string?> { ["Ingest:QueueRows"] = "8", ["Ingest:MaxParkedShare"] = "0.25" });
}

public class FullQueueTests(NarrowApp app) : IClassFixture<NarrowApp>
{
    [Fact]
    public async Task Who_waits_for_a_lock_takes_up_a_part_of_the_queue_and_no_more()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var (locked, theirs) = (await acme.Chat(), await globex.Chat());
        var plugin = await acme.Plugin();
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; select from chats where id = '{locked}' for update", blocker).ExecuteNonQueryAsync();
        Task<Answer> Say() => plugin.Post($"{acme.ApiPath}/chats/{locked}/messages", new { role = "user", content = "a" });

        var waiting = new[] { Say(), Say() };
        await app.Queued(2);
        var pace = LoadAwareStopwatch.Start();
        var refused = await Say();
        await pace.Within(1);
        refused.IsProblem(503, "unavailable");
        Assert.NotNull(refused.Header("Retry-After"));
        await globex.Say(theirs, "a");
        await blocker.DisposeAsync();

        Assert.All(await Task.WhenAll(waiting), answer => answer.Is(201));
        Assert.Equal(2, await acme.Count("messages"));
    }
}
