using System.Runtime.Versioning;
using ChatLogger.PrivatePostgres;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>The service recovers within ten seconds after its server was killed, without a restart.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateDatabaseWatchTests(PrivateDatabaseFixture.Made made) : PrivateDatabaseFixture(made)
{
    private const int Terminate = 15;
    private const int Stop = 19;

    [Fact]
    public async Task A_killed_server_is_restarted_at_the_same_address()
    {
        var first = await StartAgain(Throwaway);
        var second = await Start(Throwaway);
        var killed = first.PostmasterPid;

        Posix.Signal(killed, Posix.Kill);

        await Eventually(async () => await Scalar<int>(first, "select 1") == 1 && await Scalar<int>(second, "select 1") == 1);
        await Eventually(() => Task.FromResult(first.PostmasterPid != killed && first.PostmasterPid == second.PostmasterPid));
        Assert.True(IsRunning(first.PostmasterPid));
    }

    [Fact]
    public async Task A_stopped_server_is_restarted_even_with_a_connected_client()
    {
        var database = await StartAgain(Throwaway);
        await using var idle = new NpgsqlConnection(database.ConnectionString);
        await idle.OpenAsync();
        var stopped = database.PostmasterPid;

        Posix.Signal(stopped, Terminate);

        await Eventually(async () => database.PostmasterPid != stopped && await Scalar<int>(database, "select 1") == 1);
    }

    [Fact]
    public async Task A_server_whose_socket_file_was_deleted_is_restarted()
    {
        var database = await StartAgain(Throwaway);
        var swept = database.PostmasterPid;

        Directory.Delete(database.SocketDirectory, recursive: true);

        await Eventually(async () => database.PostmasterPid != swept && await Scalar<int>(database, "select 1") == 1);
    }

    [Fact]
    public async Task Orphaned_processes_of_a_killed_server_are_ended_before_the_next_start()
    {
        var database = await StartAgain(Throwaway);
        var killed = database.PostmasterPid;
        var account = ServerAccount.For(Posix.Stat(database.ClusterDirectory, follow: false)?.Uid);
        var orphan = ProcessTable.PostgresIn(database.ClusterDirectory, account).Last(pid => pid != killed);
        Posix.Signal(orphan, Stop);

        Posix.Signal(killed, Posix.Kill);

        await Eventually(async () => database.PostmasterPid != killed && await Scalar<int>(database, "select 1") == 1);
        Assert.False(IsRunning(orphan));
    }
}
