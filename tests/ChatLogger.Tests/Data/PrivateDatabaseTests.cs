using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Tests.Data;

[UnsupportedOSPlatform("windows")]
public sealed class PrivateDatabaseTests(PrivateDatabaseFixture.Made made) : PrivateDatabaseFixture(made)
{
    [Fact]
    public async Task The_first_start_makes_a_database_and_the_next_finds_what_was_written()
    {
        var first = await Start(Lasting);
        Assert.Equal(1, await Scalar<int>(first, "select 1"));
        Assert.Equal("UTF8", await Scalar<string>(first, "show server_encoding"));
        Assert.Equal("ÄÖЖ", await Scalar<string>(first, "select upper('äöж')"));
        Assert.Equal("chatlogger", await Scalar<string>(first, "select current_user || substr(current_database(), 11)"));
        Assert.Equal(
            "on on on",
            await Scalar<string>(
                first,
                "select concat_ws(' ', current_setting('fsync'), current_setting('full_page_writes'), "
                    + "current_setting('synchronous_commit'))"));
        await Scalar<object>(first, "create table notes as select 'kept' as note");
        await first.DisposeAsync();
        Assert.False(IsRunning(first.PostmasterPid));
        Assert.False(Directory.Exists(first.SocketDirectory));

        var second = await Start(Lasting);
        Assert.Equal("kept", await Scalar<string>(second, "select note from notes"));
        Assert.Equal(first.ConnectionString, second.ConnectionString);
        Assert.Equal(first.Major, await Scalar<int>(second, "select current_setting('server_version_num')::int / 10000"));
    }

    [Fact]
    public async Task Only_the_owner_of_the_socket_directory_gets_in_and_there_is_no_port()
    {
        var database = await StartAgain(Throwaway);

        Assert.Equal(Closed, File.GetUnixFileMode(database.SocketDirectory));
        Assert.Equal("", await Scalar<string>(database, "show listen_addresses"));
        Assert.Equal(database.SocketDirectory, await Scalar<string>(database, "show unix_socket_directories"));
    }

    [Fact]
    public async Task Settings_of_the_caller_go_before_ours()
    {
        var database = await StartAgain(
            Throwaway with
            {
                Settings = new Dictionary<string, string> { ["max_connections"] = "37", ["application_name"] = "it's" },
            });

        Assert.Equal("37", await Scalar<string>(database, "show max_connections"));
        Assert.Equal("it's", await Scalar<string>(database, "show application_name"));
        Assert.Equal("off", await Scalar<string>(database, "show fsync"));
    }

    [Fact]
    public async Task The_second_to_come_attaches_and_the_last_to_leave_stops_the_server()
    {
        var first = await StartAgain(Lasting);
        // It has another temp folder, and must still find the first one's socket.
        var second = await Start(Lasting with { TempDirectory = Path.GetTempPath() });
        Assert.Equal(first.PostmasterPid, second.PostmasterPid);
        Assert.Equal(first.ConnectionString, second.ConnectionString);

        await first.DisposeAsync();
        Assert.Equal(1, await Scalar<int>(second, "select 1"));

        await second.DisposeAsync();
        Assert.False(IsRunning(second.PostmasterPid));
        Assert.False(File.Exists(Postmaster.FileOf(second.ClusterDirectory)));
    }

    [Fact]
    public async Task Another_process_counts_as_present_until_it_is_killed()
    {
        var first = await StartAgain(Lasting);
        var other = Run("flock", "--shared", "--close", Path.Combine(Data, "database.presence"), "cat");
        await Eventually(() => Task.FromResult(FileLock.TryExclusive(Path.Combine(Data, "database.presence")) is null && IsHeldBy(other)));

        await first.DisposeAsync();
        Assert.True(IsRunning(first.PostmasterPid));

        other.Kill(entireProcessTree: true);
        await other.WaitForExitAsync();
        var second = await Start(Lasting);
        Assert.Equal(first.PostmasterPid, second.PostmasterPid);
        await second.DisposeAsync();
        Assert.False(IsRunning(first.PostmasterPid));
    }

    [Fact]
    public async Task Many_first_starts_at_once_make_one_cluster_and_one_server()
    {
        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Start(Throwaway))));

        Assert.Single(all.Select(database => database.PostmasterPid).Distinct());
        Assert.Single(all.Select(database => database.ConnectionString).Distinct());
        Assert.Equal([all[0].ClusterDirectory], Directory.EnumerateDirectories(Data));
        Assert.Equal(1, await Scalar<int>(all[3], "select 1"));
    }

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
    public async Task What_a_killed_first_start_left_is_cleared_away()
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
    public async Task Data_of_another_major_version_is_refused_with_a_way_out()
    {
        var database = await StartAgain(Lasting);
        await database.DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(database.ClusterDirectory, "PG_VERSION"), "14\n");

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() => Start(Lasting));

        Assert.Contains("made by PostgreSQL 14", refusal.Message);
        Assert.Contains($"PostgreSQL {database.Major} in ", refusal.Message);
        Assert.Contains(database.ClusterDirectory, refusal.Message);
        Assert.Contains("ConnectionStrings__ChatLogger", refusal.Message);
    }

    [Fact]
    public async Task A_directory_with_other_things_in_the_place_of_the_database_is_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(Data, "database"), Open);
        await File.WriteAllTextAsync(Path.Combine(Data, "database", "thesis.txt"), "precious");

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() => Start(Lasting));

        Assert.Contains(Path.Combine(Data, "database"), refusal.Message);
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(Data, "database", "thesis.txt")));
    }

    [Theory]
    [InlineData("in-the-way/data")]
    [InlineData("quo\"te")]
    [InlineData("$(touch pwned)")]
    public async Task A_data_directory_that_cannot_be_used_is_refused(string name)
    {
        await File.WriteAllTextAsync(Path.Combine(Root, "in-the-way"), "");

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() => Start(Throwaway with { DataDirectory = Path.Combine(Root, name) }));

        Assert.Contains(Path.Combine(Root, name), refusal.Message);
    }

    [Fact]
    public async Task A_name_with_spaces_and_apostrophes_is_a_good_name()
    {
        var database = await StartAgain(Throwaway with { DataDirectory = Path.Combine(Root, "Ada's dätä; rm -rf x") });

        Assert.Equal(1, await Scalar<int>(database, "select 1"));
    }

    [Fact]
    public async Task A_server_that_does_not_start_says_why()
    {
        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(
            () => StartAgain(Throwaway with { Settings = new Dictionary<string, string> { ["shared_buffers"] = "plenty" } }));

        Assert.Contains("does not start", refusal.Message);
        Assert.Contains("invalid value for parameter \"shared_buffers\"", refusal.Message);
    }

    [Theory]
    [InlineData("a link")]
    [InlineData("a file")]
    [InlineData("open to others")]
    public async Task A_socket_directory_prepared_by_somebody_else_is_refused(string trap)
    {
        var sockets = UsualSocketDirectory();
        var mine = Path.Combine(Root, "mine");
        Directory.CreateDirectory(mine, Closed);
        switch (trap)
        {
            case "a link":
                File.CreateSymbolicLink(sockets, mine);
                break;
            case "a file":
                await File.WriteAllTextAsync(sockets, "");
                break;
            default:
                Directory.CreateDirectory(sockets, Open);
                break;
        }

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() => StartAgain(Lasting));

        Assert.Contains(sockets, refusal.Message);
        Assert.Contains("TMPDIR", refusal.Message);
    }

    [RootFact]
    public async Task A_socket_directory_of_somebody_else_is_refused()
    {
        var sockets = UsualSocketDirectory();
        Directory.CreateDirectory(sockets, Closed);
        Posix.ChangeOwner(sockets, 12345, 12345);

        Assert.Contains(sockets, (await Assert.ThrowsAsync<PrivateDatabaseException>(() => StartAgain(Lasting))).Message);
    }

    [Theory]
    [InlineData("/tmp", "/tmp/chatlogger-1000-01234567")]
    [InlineData(
        "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/",
        "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/chatlogger-1000-01234567"
    )]
    [InlineData("/tmp/with,comma", "/tmp/chatlogger-1000-01234567")]
    [InlineData("/tmp/a/very/long/path/a/very/long/path/a/very/long/path/a/very/long/path", "/tmp/chatlogger-1000-01234567")]
    public void The_socket_path_is_one_that_the_system_takes(string tempDirectory, string expected)
    {
        var chosen = SocketDirectory.Choose(tempDirectory, 1000, "0123456789abcdef");

        Assert.Equal(expected, chosen);
        Assert.InRange(SocketDirectory.SocketIn(chosen).Length, 1, 107);
    }

    [Fact]
    public async Task The_programs_see_nothing_of_our_environment()
    {
        Environment.SetEnvironmentVariable("PGCHATLOGGERTEST", "redirected");
        Environment.SetEnvironmentVariable("Auth__ChatLoggerTest", "secret");

        var seen = await ServerAccount.For(null).Run("env", []);

        Assert.Equal(0, seen.ExitCode);
        Assert.Contains("LC_ALL=C", seen.Output);
        Assert.DoesNotContain("ChatLoggerTest", seen.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task What_a_killed_run_left_can_be_discarded_once_nobody_uses_it()
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
    public async Task Below_a_closed_home_roots_database_goes_to_the_system_directory_and_stays_there()
    {
        var home = Path.Combine(Root, "home");
        Directory.CreateDirectory(home, Closed);
        var options = Lasting with { DataDirectory = Path.Combine(home, "data") };
        var log = new Journal();

        var first = await Start(options, log);
        Assert.StartsWith(options.SystemDirectory, first.ClusterDirectory);
        Assert.Contains(log.Lines, line => line.Contains(first.ClusterDirectory) && line.Contains(options.DataDirectory));
        await Scalar<object>(first, "create table notes as select 'kept' as note");
        await first.DisposeAsync();

        File.SetUnixFileMode(home, Open);
        var second = await Start(options);
        Assert.Equal(first.ClusterDirectory, second.ClusterDirectory);
        Assert.Equal("kept", await Scalar<string>(second, "select note from notes"));
    }

    [RootFact]
    public async Task Root_runs_the_database_of_an_ordinary_user_as_that_user()
    {
        var first = await StartAgain(Lasting);
        await first.DisposeAsync();
        using (var chown = Process.Start("chown", ["-R", "nobody", first.ClusterDirectory]))
            await chown.WaitForExitAsync();

        var second = await Start(Lasting);

        Assert.Equal(1, await Scalar<int>(second, "select 1"));
        Assert.Equal(Posix.Stat($"/proc/{second.PostmasterPid}", follow: true)?.Uid, ServerAccount.For(65534).Uid);
        Assert.Equal("nobody", ServerAccount.For(Posix.Stat(first.ClusterDirectory, follow: true)?.Uid).Name);
    }

    [RootFact]
    public async Task A_database_that_root_restored_is_given_to_the_account_that_runs_it()
    {
        var first = await StartAgain(Lasting);
        await first.DisposeAsync();
        using (var chown = Process.Start("chown", ["-R", "0:0", first.ClusterDirectory]))
            await chown.WaitForExitAsync();

        Assert.Equal(1, await Scalar<int>(await Start(Lasting), "select 1"));
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

    private string UsualSocketDirectory() => SocketDirectory.Choose(
        Root, ServerAccount.For(null).Uid, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Data))));

    // flock has started its command, so it holds the lock; and it alone does, for the command has none (--close).
    private static bool IsHeldBy(Process flock) =>
        File.Exists($"/proc/{flock.Id}/task/{flock.Id}/children") && File.ReadAllText($"/proc/{flock.Id}/task/{flock.Id}/children") != "";

    private async Task<string> Zombie()
    {
        // The shell becomes a program that never asks after its child.
        var parent = Run("sh", "-c", "sleep 0.2 & echo $!; exec cat");
        var pid = (await parent.StandardOutput.ReadLineAsync())!;
        await Eventually(() => Task.FromResult(ProcessTable.Find(int.Parse(pid, CultureInfo.InvariantCulture)) is { State: 'Z' }));
        return pid;
    }

    private sealed class Journal : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (Lines)
                Lines.Add(formatter(state, exception));
        }
    }
}
