using System.Runtime.Versioning;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Data;

[UnsupportedOSPlatform("windows")]
public sealed partial class PrivateDatabaseTests(PrivateDatabaseFixture.Made made) : PrivateDatabaseFixture(made)
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

    [Fact]
    public async Task A_name_with_spaces_and_apostrophes_is_accepted()
    {
        var database = await StartAgain(Throwaway with { DataDirectory = Path.Combine(Root, "Ada's dätä; rm -rf x") });

        Assert.Equal(1, await Scalar<int>(database, "select 1"));
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
