using System.Diagnostics;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Data;

public sealed partial class PrivateDatabaseTests
{
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
}
