using System.Diagnostics;
using System.Globalization;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Tests.Data;

public sealed partial class PrivateDatabaseTests
{
    [Theory]
    [InlineData("an unrelated process")]
    [InlineData("a zombie")]
    [InlineData("nobody")]
    [InlineData("nothing")]
    public async Task A_stale_pid_file_does_not_hinder_the_next_start(string whose)
    {
        var first = await StartAgain(Lasting);
        var pidFile = Postmaster.FileOf(first.ClusterDirectory);
        var lines = await File.ReadAllLinesAsync(pidFile);
        await first.DisposeAsync();
        lines[0] = whose switch
        {
            "an unrelated process" => Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
            "a zombie" => await Zombie(),
            "nobody" => "4194305", // above the highest number Linux gives
            _ => "",
        };
        await File.WriteAllTextAsync(pidFile, whose == "nothing" ? "" : string.Join('\n', lines) + "\n");
        Directory.CreateDirectory(first.SocketDirectory, Closed);
        await File.WriteAllTextAsync(SocketDirectory.SocketIn(first.SocketDirectory), "");
        await File.WriteAllTextAsync(SocketDirectory.SocketIn(first.SocketDirectory) + ".lock", string.Join('\n', lines) + "\n");

        var second = await Start(Lasting);

        Assert.Equal(1, await Scalar<int>(second, "select 1"));
        Assert.NotEqual(lines[0], second.PostmasterPid.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_copy_of_a_running_database_gets_a_server_of_its_own()
    {
        var original = await StartAgain(Throwaway);
        var copied = Path.Combine(Root, "copy");
        await Copy(Data, copied);

        var second = await Start(Throwaway with { DataDirectory = copied });

        Assert.NotEqual(original.PostmasterPid, second.PostmasterPid);
        Assert.NotEqual(original.SocketDirectory, second.SocketDirectory);
        Assert.Equal(original.ClusterDirectory, await Scalar<string>(original, "show data_directory"));
        Assert.Equal(second.ClusterDirectory, await Scalar<string>(second, "show data_directory"));
    }

    [Fact]
    public async Task Remains_of_a_killed_first_start_are_removed()
    {
        foreach (var name in new[] { "database.new", "database.new.0123abcd" })
        {
            Directory.CreateDirectory(Path.Combine(Data, name, "base"), Open);
            await File.WriteAllTextAsync(Path.Combine(Data, name, "PG_VERSION"), "15\n");
        }
        Directory.CreateDirectory(Path.Combine(Data, "database"));

        var database = await Start(Throwaway);

        Assert.Equal(1, await Scalar<int>(database, "select 1"));
        Assert.Equal([database.ClusterDirectory], Directory.EnumerateDirectories(Data));
    }

    [Fact]
    public async Task A_cancelled_first_start_leaves_nothing_half_made()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PrivateDatabase.Start(Lasting, NullLogger.Instance, soon.Token));

        Assert.False(Directory.Exists(Path.Combine(Data, "database")));
        Assert.Equal(1, await Scalar<int>(await Start(Throwaway), "select 1"));
    }

    [Fact]
    public async Task Remains_of_a_killed_run_can_be_discarded_once_they_are_unused()
    {
        var database = await StartAgain(Throwaway);
        Assert.False(await PrivateDatabase.Discard(Throwaway, NullLogger.Instance, CancellationToken.None));
        Assert.Equal(1, await Scalar<int>(database, "select 1"));

        // As if the run were killed: no process holds the presence lock, and the server still runs.
        var other = Run("flock", "--shared", "--close", Path.Combine(Data, "database.presence"), "cat");
        await Eventually(() => Task.FromResult(IsHeldBy(other)));
        await database.DisposeAsync();
        other.Kill(entireProcessTree: true);
        await other.WaitForExitAsync();
        Assert.True(IsRunning(database.PostmasterPid));

        Assert.True(await PrivateDatabase.Discard(Throwaway, NullLogger.Instance, CancellationToken.None));
        Assert.False(IsRunning(database.PostmasterPid));
        Assert.False(Directory.Exists(database.ClusterDirectory));
    }

    [RootFact]
    public async Task A_database_that_became_unreachable_is_not_replaced_by_an_empty_one()
    {
        var first = await StartAgain(Lasting);
        await first.DisposeAsync();
        File.SetUnixFileMode(Data, Closed);

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() => Start(Lasting));

        Assert.Contains("chmod o+x", refusal.Message);
        Assert.False(Directory.Exists(Lasting.SystemDirectory));
    }

    // flock has started its command, so it holds the lock; and it alone does, for the command has none (--close).
    private static bool IsHeldBy(Process flock) =>
        File.Exists($"/proc/{flock.Id}/task/{flock.Id}/children") && File.ReadAllText($"/proc/{flock.Id}/task/{flock.Id}/children") != "";

    private async Task<string> Zombie()
    {
        // The shell becomes a program that never waits for its child.
        var parent = Run("sh", "-c", "sleep 0.2 & echo $!; exec cat");
        var pid = (await parent.StandardOutput.ReadLineAsync())!;
        await Eventually(() => Task.FromResult(ProcessTable.Find(int.Parse(pid, CultureInfo.InvariantCulture)) is { State: 'Z' }));
        return pid;
    }
}
