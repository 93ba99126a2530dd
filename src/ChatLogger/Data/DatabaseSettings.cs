using System.ComponentModel.DataAnnotations;
using System.Globalization;
using ChatLogger.Configuration;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Where the database is. Section <c>Database</c>, beside <c>ConnectionStrings__ChatLogger</c> (or <c>DATABASE_URL</c>),
/// <c>ConnectionStrings__Migrations</c> and <c>DataDirectory</c>.
/// </summary>
internal sealed record DatabaseSettings
{
    public const string Section = "Database";

    /// <summary>Allows the private server outside Development, where it is the default when no connection string is given.</summary>
    public bool Private { get; init; }

    /// <summary>The directory of initdb, pg_ctl and postgres for the private server. Default: PATH, then the usual places, highest version.</summary>
    public string? Binaries { get; init; }

    /// <summary>How long a start waits for a database that cannot be reached yet. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections of this process to the database at most, unless the connection string says otherwise. Default 20.</summary>
    [Range(1, 1_000)]
    public int PoolSize { get; init; } = 20;

    /// <summary>Connections for analyses, beside the others: so many run at a time, the next ones wait. Default 4.</summary>
    [Range(1, 100)]
    public int AnalyticsPoolSize { get; init; } = 4;

    /// <summary>Connections for exports, beside the others. A running export holds two, a download one now and then. Default 8.</summary>
    [Range(2, 100)]
    public int ExportPoolSize { get; init; } = 8;

    /// <summary>Connections for writing chats and messages, beside the others. A few are at work, the rest wait for locks. Default 15.</summary>
    [Range(6, 100)]
    public int WritingPoolSize { get; init; } = 15;

    /// <summary>
    /// Connections for the keys of plugins and what they have said before, beside the others, so that no member's question keeps them waiting. Default 5.
    /// </summary>
    [Range(1, 100)]
    public int PluginPoolSize { get; init; } = 5;

    /// <summary>
    /// The connection string leads to a pooler that gives each transaction another session (PgBouncer with <c>pool_mode = transaction</c>). Nothing is
    /// prepared, no start-up option is sent, and migrations need a connection string of their own. Default false.
    /// </summary>
    public bool TransactionPooler { get; init; }

    /// <summary>The server's limit for waiting for a lock while many requests' rows are written together. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan WritingLockTimeout { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The server's own limit for one statement of an analysis. Default 11 s: its deadline and a second.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan AnalyticsStatementTimeout { get; init; } = TimeSpan.FromSeconds(11);

    /// <summary>The server's own limit for one statement. Default 5 s: the request's deadline and a second.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The server's limit for waiting for a lock. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For the service. Null: the private server.</summary>
    public string? ConnectionString { get; private init; }

    /// <summary>The setting it was given by.</summary>
    public string ConnectionSetting { get; private init; } = "The private database";

    /// <summary>For migrations: direct to the server, past any pooler. Default: the same as the service's.</summary>
    public string? MigrationsConnectionString { get; private init; }

    /// <summary>What is kept outside the database: the private server's data, Development's signing secret.</summary>
    public string DataDirectory { get; private init; } = "";

    /// <exception cref="StartupException">A setting is malformed, or Production has no database.</exception>
    public static DatabaseSettings Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var given = Settings.Bind<DatabaseSettings>(configuration, Section);
        var (setting, connection) = ("ConnectionStrings__ChatLogger", ConnectionStringOf(configuration, "ConnectionStrings:ChatLogger"));
        if (connection is null)
            (setting, connection) = ("DATABASE_URL", ConnectionStringOf(configuration, "DATABASE_URL"));
        if (connection is null && !environment.IsDevelopment() && !given.Private)
            throw new StartupException(
                """
                No database is configured. Set one of:
                  ConnectionStrings__ChatLogger  a connection string, e.g. Host=db;Database=chatlogger;Username=chatlogger;Password=…
                  DATABASE_URL                   the same as a URL, e.g. postgres://chatlogger:…@db/chatlogger
                  Database__Private=true         run a private PostgreSQL server from the binaries on this machine
                """);
        var migrations = ConnectionStringOf(configuration, "ConnectionStrings:Migrations");
        if (given.TransactionPooler && migrations is null)
            throw new StartupException(
                "Database__TransactionPooler needs ConnectionStrings__Migrations: a connection string direct to the server, for migrations hold a lock that a pooler would lose.");
        return given with
        {
            ConnectionString = connection,
            ConnectionSetting = connection is null ? given.ConnectionSetting : setting,
            MigrationsConnectionString = migrations,
            DataDirectory = Path.GetFullPath(configuration["DataDirectory"] is { Length: > 0 } directory ? directory : DefaultDataDirectory()),
        };
    }

    /// <summary>Completes a connection string with our time-outs and with what makes every session alike; what it says itself stays.</summary>
    public string Complete(string connectionString)
    {
        // Not ContainsKey, which only asks whether Npgsql knows the name.
        var given = new NpgsqlConnectionStringBuilder(connectionString).Keys;
        var complete = new NpgsqlConnectionStringBuilder(connectionString);
        if (!given.Contains("Application Name"))
            complete.ApplicationName = "chatlogger";
        if (!given.Contains("Maximum Pool Size"))
            complete.MaxPoolSize = PoolSize;
        if (!given.Contains("Timeout"))
            complete.Timeout = 4;
        // The server's own limit comes first, and requests have gone by then. This one is for a server that does not answer: Npgsql does not cancel while
        // it waits for what it sent ahead of a statement (BEGIN, the reset of the session), so until then the connection is missing from its pool.
        if (!given.Contains("Command Timeout"))
            complete.CommandTimeout = SecondsAfter(StatementTimeout);
        if (!given.Contains("Cancellation Timeout"))
            complete.CancellationTimeout = 250;
        // What we set in a session ends with its transaction: there is nothing to be reset before the next statement, and nothing to wait for in vain.
        // A reset would also take back what the session was told by a statement (SessionSetup.ByStatement).
        complete.NoResetOnClose = true;
        if (TransactionPooler)
        {
            // The next statement finds another session, which does not know what was prepared. Of all start-up parameters a
            // pooler passes on a few, the time zone among them, and refuses the others.
            complete.MaxAutoPrepare = 0;
            complete.Timezone = "UTC";
            return complete.ConnectionString;
        }
        if (!given.Contains("Max Auto Prepare"))
            complete.MaxAutoPrepare = 100;
        if (!given.Contains("Auto Prepare Min Usages"))
            complete.AutoPrepareMinUsages = 2;
        // Of two with one name the last one wins: patience is the operator's to change, what is promised of commits and times is not.
        complete.Options = string.Join(
            ' ',
            $"-c statement_timeout={StatementTimeout.TotalMilliseconds:F0}",
            $"-c lock_timeout={LockTimeout.TotalMilliseconds:F0}",
            "-c idle_in_transaction_session_timeout=30000",
            // A pooled connection may be idle for as long as it likes.
            "-c idle_session_timeout=0",
            complete.Options,
            "-c timezone=UTC",
            "-c datestyle=ISO",
            "-c intervalstyle=postgres",
            "-c synchronous_commit=on",
            "-c standard_conforming_strings=on",
            "-c default_transaction_isolation=read\\ committed");
        return complete.ConnectionString;
    }

    /// <summary>The same for the pool of analyses.</summary>
    public string CompleteForAnalytics(string connectionString)
    {
        var complete = new NpgsqlConnectionStringBuilder(Complete(connectionString)) { MaxPoolSize = AnalyticsPoolSize };
        // The best plan depends on how much lies in the range that is asked for: planning each time costs nothing beside it.
        if (!TransactionPooler)
            complete.Options += $" -c statement_timeout={AnalyticsStatementTimeout.TotalMilliseconds:F0} -c plan_cache_mode=force_custom_plan";
        if (complete.CommandTimeout > 0)
            complete.CommandTimeout = Math.Max(complete.CommandTimeout, SecondsAfter(AnalyticsStatementTimeout));
        return complete.ConnectionString;
    }

    /// <summary>The same for the pool of exports.</summary>
    public string CompleteForExports(string connectionString)
    {
        // A row of a COPY is a message of its own: a larger buffer is filled less often.
        var complete = new NpgsqlConnectionStringBuilder(Complete(connectionString))
        {
            MaxPoolSize = ExportPoolSize,
            // No export takes longer.
            CommandTimeout = 15 * 60,
            ReadBufferSize = 64 * 1024,
        };
        if (!TransactionPooler)
            complete.Options += " -c statement_timeout=0";
        return complete.ConnectionString;
    }

    /// <summary>The same for the pool of plugins.</summary>
    public string CompleteForPlugins(string connectionString) =>
        new NpgsqlConnectionStringBuilder(Complete(connectionString)) { MaxPoolSize = PluginPoolSize }.ConnectionString;

    /// <summary>
    /// What goes ahead of each statement that writes, in the same transaction, where sessions cannot be told at their start. Null: they can.
    /// </summary>
    public string? WritingSessionSetup => !TransactionPooler ? null : "select " + string.Join(", ", ForWriting.Select(each => $"set_config('{each.Name}', '{each.Value}', true)"));

    // A plan made for the very arrays of one statement joins all chats to a long one; made once for any, it looks each chat up.
    private (string Name, string Value)[] ForWriting =>
    [
        ("lock_timeout", WritingLockTimeout.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture)),
        ("statement_timeout", "4500"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
    ];

    /// <summary>The same for the pool of writing.</summary>
    public string CompleteForWriting(string connectionString)
    {
        var complete = new NpgsqlConnectionStringBuilder(Complete(connectionString))
        {
            MaxPoolSize = WritingPoolSize,
            // The callers have gone by then. What does not answer must not hold up those who come after them.
            CommandTimeout = 5,
            WriteBufferSize = 64 * 1024,
        };
        if (!TransactionPooler)
            complete.Options += string.Concat(ForWriting.Select(each => $" -c {each.Name}={each.Value}"));
        return complete.ConnectionString;
    }

    private static int SecondsAfter(TimeSpan limit) => (int)Math.Ceiling(limit.TotalSeconds) + 1;

    private static string? ConnectionStringOf(IConfiguration configuration, string key)
    {
        var text = configuration[key];
        var setting = key.Replace(":", "__", StringComparison.Ordinal);
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal))
            return ConnectionStringRules.Check(setting, DatabaseUrl.ToConnectionString(setting, text));
        if (text.Split("://", 2) is [{ Length: < 20 } scheme, _] && scheme.All(char.IsAsciiLetterOrDigit))
            throw new StartupException($"{setting} is not a URL such as postgres://user:password@host:5432/database: it begins with {scheme}://");
        return ConnectionStringRules.Check(setting, text);
    }

    // The account's own data; root's is the system's, for PostgreSQL's server does not run as root and could not enter root's home.
    public static string DefaultDataDirectory() => Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
        ? "/var/lib/chatlogger"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "chatlogger");
}
