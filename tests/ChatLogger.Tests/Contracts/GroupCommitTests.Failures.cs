using System.Net.NetworkInformation;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace ChatLogger.Tests.Contracts;

public partial class GroupCommitTests
{
    [Fact]
    public async Task A_write_whose_connection_is_cut_is_repeated_on_another_connection_and_stored_once()
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
    public async Task A_stopping_service_writes_the_queued_messages()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        await using var blocker = await Lock($"select from chats where org_id = '{acme.Id}' and id = '{chat}' for update");

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
    public async Task A_commit_before_the_connection_was_cut_is_recognized(string? state)
    {
        var flush = Substitute.For<IWriteTransaction>();
        var cut = state is null ? new NpgsqlException("cut", new IOException()) : new PostgresException("cut", "FATAL", "FATAL", state);
        flush.Run(null!, false).ReturnsForAnyArgs(
            _ => Task.FromException<WriteStatus[]>(cut),
            _ => Task.FromException<WriteStatus[]>(new PostgresException("there", "ERROR", "ERROR", "23505")));
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(flush, db);

        Assert.Equal(WriteStatus.Written, await Write(commit, Anything()));
    }

    [Fact]
    public async Task A_repeated_row_is_recognized_also_after_it_was_parked()
    {
        var flush = Substitute.For<IWriteTransaction>();
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
        await using var commit = Commit(flush, db);

        Assert.Equal(WriteStatus.Written, await Write(commit, first));
        Assert.Equal(
            ProblemType.Validation,
            (await Assert.ThrowsAsync<ProblemException>(() => Write(commit, other))).Type);
        Assert.Equal(5, calls);
    }

    [Fact]
    public async Task An_unreachable_database_is_tried_twice()
    {
        var flush = Substitute.For<IWriteTransaction>();
        flush.Run(null!, false).ThrowsAsyncForAnyArgs(new NpgsqlException("cut", new IOException()));
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(flush, db);

        await Assert.ThrowsAsync<NpgsqlException>(() => Write(commit, Anything()));

        await flush.ReceivedWithAnyArgs(2).Run(null!, false);
    }

    private GroupCommit Commit(IWriteTransaction flush, NpgsqlDataSource db) =>
        new(flush, db, new IngestSettings(), app.Services.GetRequiredService<Instruments>(), NullLogger.Instance, "single");

    private static Task<WriteStatus> Write(GroupCommit commit, NewMessage message) =>
        commit.Write(message, Substitute.For<IBulkInsert>(), new QueueCapacity(100, 1_000_000), CancellationToken.None);

    private static NewMessage Anything() =>
        new(
            Guid.NewGuid(),
            new Message(Guid.NewGuid(), Guid.NewGuid(), "user", "a", null, null, null, null, RawJsonObject.Empty, null, null, null, null,
                null, default, null),
            null);

    private static bool IsListening(Uri address) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(each => each.Port == address.Port);
}
