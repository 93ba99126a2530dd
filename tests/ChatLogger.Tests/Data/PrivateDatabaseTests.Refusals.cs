using System.Security.Cryptography;
using System.Text;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Data;

public sealed partial class PrivateDatabaseTests
{
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

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(
            () => Start(Throwaway with { DataDirectory = Path.Combine(Root, name) }));

        Assert.Contains(Path.Combine(Root, name), refusal.Message);
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
    public async Task A_socket_directory_prepared_by_another_user_is_refused(string trap)
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
    public async Task A_socket_directory_of_another_user_is_refused()
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

    private string UsualSocketDirectory() => SocketDirectory.Choose(
        Root, ServerAccount.For(null).Uid, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Data))));
}
