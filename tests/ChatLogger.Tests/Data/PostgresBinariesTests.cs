using ChatLogger.PrivatePostgres;

namespace ChatLogger.Tests.Data;

public sealed class PostgresBinariesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("chatlogger-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void This_machine_has_a_usable_installation()
    {
        var found = PostgresBinaries.Find(null);

        Assert.NotNull(found);
        Assert.InRange(found.Major, PostgresBinaries.MinimumMajor, 99);
        Assert.True(File.Exists(found.InitDb) && File.Exists(found.PgCtl) && File.Exists(found.Postgres));
    }

    [Fact]
    public void Programs_on_the_PATH_precede_the_highest_version_in_the_usual_places()
    {
        var onPath = Install("my/bin", "15.2");
        var older = Install("usr/lib/postgresql/9/bin", "9.6.1");
        var middle = Install("usr/lib/postgresql/16/bin", "16.4 (Debian 16.4-1)");
        var highest = Install("usr/lib/postgresql/17/bin", "17beta1");
        var brew = Install("opt/homebrew/opt/postgresql@18/bin", "18.1");
        var brewUnversioned = Install("usr/local/opt/postgresql/bin", "16.0");

        var found = Usual(path: $"relative:{onPath}:{_root}/missing").ToList();

        Assert.Equal([onPath, highest, middle, brew, brewUnversioned], found.Select(binaries => binaries.Directory));
        Assert.Equal([15, 17, 16, 18, 16], found.Select(binaries => binaries.Major));
        Assert.DoesNotContain(found, binaries => binaries.Directory == older);
    }

    [Fact]
    public void A_directory_with_only_client_programs_is_passed_over()
    {
        // Debian's /usr/bin looks like this.
        var wrappers = Install("usr/bin", "17.0", "psql", "pg_dump", "pg_ctl");
        var server = Install("usr/lib/postgresql/15/bin", "15.0");

        Assert.Equal([server], Usual(path: wrappers).Select(binaries => binaries.Directory));
    }

    [Fact]
    public void A_program_that_tells_no_version_is_passed_over()
    {
        Install("usr/lib/postgresql/17/bin", "what?");
        File.WriteAllText(Path.Combine(Install("usr/lib/postgresql/16/bin", "16.0"), "postgres"), "not a program");

        Assert.Empty(Usual(path: null));
    }

    [Fact]
    public void The_configured_directory_is_the_only_one_looked_at()
    {
        var configured = Install("elsewhere", "16.3");

        Assert.Equal(new PostgresBinaries(configured, 16), PostgresBinaries.Find(configured));
        Assert.Null(PostgresBinaries.Find(configured, major: 15));
    }

    [Fact]
    public void A_configured_directory_without_a_server_is_refused_by_the_name_of_the_setting()
    {
        var refusal = Assert.Throws<PrivateDatabaseException>(() => PostgresBinaries.Find(_root));

        Assert.Contains("Database__Binaries", refusal.Message);
        Assert.Contains(_root, refusal.Message);
    }

    [Fact]
    public void A_configured_version_that_is_too_old_is_refused()
    {
        var refusal = Assert.Throws<PrivateDatabaseException>(() => PostgresBinaries.Find(Install("old", "14.9")));

        Assert.Contains("holds PostgreSQL 14", refusal.Message);
        Assert.Contains("Database__Binaries", refusal.Message);
    }

    [Fact]
    public void A_machine_without_PostgreSQL_gets_three_remedies()
    {
        Assert.Empty(Usual(path: ""));

        foreach (
            var wayOut in new[]
            {
                "install PostgreSQL",
                "Database__Binaries",
                "docker compose up",
                "ConnectionStrings__ChatLogger",
                "DATABASE_URL",
            })
            Assert.Contains(wayOut, PostgresBinaries.NotFound);
    }

    private IEnumerable<PostgresBinaries> Usual(string? path) =>
        PostgresBinaries.InstalledIn(PostgresBinaries.UsualDirectories(path, _root));

    private string Install(string directory, string version, params string[] programs)
    {
        directory = Path.Combine(_root, directory);
        Directory.CreateDirectory(directory);
        foreach (var program in programs is [] ? ["initdb", "pg_ctl", "postgres"] : programs)
        {
            var file = Path.Combine(directory, program);
            File.WriteAllText(file, $"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        return directory;
    }
}
