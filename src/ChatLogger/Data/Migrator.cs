using System.Data;
using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Configuration;
using Dapper;
using DbUp;
using DbUp.Engine;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Migrates the schema with the scripts embedded from <c>db/migrations</c>, in the order of their names, each once. DbUp runs them and
/// keeps the journal. This class adds what DbUp lacks: only one instance migrates at a time, edited scripts and newer databases are
/// rejected, and a missing privilege is explained. For that the journal has two more columns than DbUp's own: a checksum, which detects an
/// edited script, and a flag that tells older versions of this program which newer scripts they are compatible with.
/// </summary>
internal sealed partial class Migrator(
    string connectionString, ILogger log, IReadOnlyList<Migrator.Script>? scripts = null, SessionSetup setup = SessionSetup.AtStartup)
{
    /// <summary>An arbitrary number that no other program uses for an advisory lock in this database.</summary>
    private const long LockId = 0x63_68_61_74_6c_6f_67;

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(200);

    private readonly IReadOnlyList<Script> _scripts = scripts ?? Embedded;

    /// <summary>The scripts that this program knows, in order.</summary>
    public static IReadOnlyList<Script> Embedded { get; } =
    [
        .. from resource in Assembly.GetExecutingAssembly().GetManifestResourceNames()
           where resource.StartsWith("migrations/", StringComparison.Ordinal)
           orderby resource
           select Script.FromResource(resource),
    ];

    /// <summary>
    /// Runs the pending scripts and returns their number. Several instances may call it at once: one migrates, the others wait.
    /// </summary>
    /// <exception cref="StartupException">A script was edited after it ran, or the database is newer than this program.</exception>
    public async Task<int> Run(CancellationToken ct)
    {
        await using var source = Pools.Create("migrations", ConnectionString(), setup);
        await using var connection = await source.OpenConnectionAsync(ct);

        // Polls, because a session that waits inside pg_advisory_lock holds a snapshot, and create index concurrently waits for snapshots.
        while (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_lock(@LockId)", new { LockId }))
            await Task.Delay(LockPoll, ct);

        // When nothing is pending, a role without the privilege to change the schema suffices.
        var journal = new MigrationJournal(connection, _scripts);
        var write = await journal.Pending();
        if (write.Count > 0)
        {
            await Explained(connection, "The journal of migrations", () => journal.Prepare(write));
            // DbUp is synchronous.
            var upgrade = await Task.Run(() => Upgrade(connection, write, ct), CancellationToken.None);
            if (upgrade.Error is { } error)
                await Explained(connection, $"The migration {upgrade.ErrorScript?.Name}", () => Task.FromException(error));
        }
        Schema = await connection.ExecuteScalarAsync<string>(FindSchema);
        return write.Count;
        // Closing the connection releases the lock.
    }

    /// <summary>Selects the database and schema in which a connection finds the journal.</summary>
    public const string FindSchema =
        "select current_database() || '.' || relnamespace::regnamespace from pg_class where oid = to_regclass('schemaversions')";

    /// <summary>Where <see cref="Run"/> found or created the journal.</summary>
    public string? Schema { get; private set; }

    /// <summary>Whether all scripts that this program knows have been applied.</summary>
    public static async Task<bool> IsCurrent(NpgsqlDataSource db, CancellationToken ct)
    {
        var applied = await db.ReadAsync<string>("select scriptname from schemaversions order by scriptname", new { }, ct);
        return Embedded.All(script => applied.Contains(script.Name));
    }

    // The operator's options apply here too, above all the schema. But a migration has no statement timeout, whatever role or operator set,
    // while lock_timeout applies: a migration that waits for a lock would block everybody queued behind it.
    private string ConnectionString()
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        return new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            CommandTimeout = 0,
            ApplicationName = given.ApplicationName ?? "chatlogger migrations",
            Options = given.Options
                + " -c timezone=UTC -c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c "
                + "standard_conforming_strings=on"
                + " -c statement_timeout=0 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
                + " -c client_min_messages=warning",
        }.ConnectionString;
    }

    private static async Task Explained(NpgsqlConnection connection, string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            var owners = await connection.ExecuteScalarAsync<string>(
                """
                select string_agg(distinct format('grant %I to %I', pg_get_userbyid(relowner), current_user), '; ')
                from pg_class
                where relnamespace = (select relnamespace from pg_class where oid = to_regclass('schemaversions'))
                  and relkind = 'r'
                  and not pg_has_role(relowner, 'usage')
                """);
            throw new StartupException(
                $"{what} needs a right that the role lacks: {refused.MessageText}. "
                    + (
                        owners is null
                            ? "Run migrations as the role that may."
                            : $"Run: {owners}. Or run migrations as that role (ConnectionStrings__Migrations)."));
        }
        catch (PostgresException waited) when (waited.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new StartupException(
                $"{what} waited 30 s for a lock that somebody else holds (see pg_locks). Nothing of it was applied; start again.");
        }
    }

    private DatabaseUpgradeResult Upgrade(NpgsqlConnection connection, List<Script> write, CancellationToken ct)
    {
        var upgrader = DeployChanges.To.PostgresqlDatabase(new MigrationConnection(connection, ct))
            .WithScripts(write.Select(script => new SqlScript(script.Name, script.Text)))
            .JournalTo((manager, upgradeLog) => new MigrationJournal.Writer(manager, upgradeLog, connection, write))
            // DbUp would replace $name$, which PostgreSQL uses to quote function bodies.
            .WithVariablesDisabled()
            .LogToNowhere()
            .Build();
        var started = Stopwatch.GetTimestamp();
        upgrader.ScriptExecuted += (_, executed) =>
        {
            Applied(log, ((ScriptExecutedEventArgs)executed).Script.Name, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            started = Stopwatch.GetTimestamp();
        };
        return upgrader.PerformUpgrade();
    }

    [LoggerMessage(LogLevel.Information, "Applied migration {Script} in {Milliseconds} ms")]
    private static partial void Applied(ILogger log, string script, long milliseconds);

    /// <summary>A migration script: its name in the journal and its text.</summary>
    internal sealed record Script(string Name, string Text)
    {
        /// <summary>The checksum does not depend on the checkout's line endings.</summary>
        public string Checksum => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"))));

        /// <summary>Whether older versions of this program are compatible with it.</summary>
        public bool IsCompatible => Has(Text, "-- compatible");

        public static bool NeedsTransaction(string text) => !Has(text, "-- no-transaction");

        // Whether one of the comment lines at the beginning equals this header.
        private static bool Has(string text, string header) =>
            text.ReplaceLineEndings("\n").Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)).Contains(header);

        public static Script FromResource(string resource)
        {
            using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
            return new(resource["migrations/".Length..], reader.ReadToEnd());
        }
    }
}
