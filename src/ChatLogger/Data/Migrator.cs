using System.Data;
using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Configuration;
using Dapper;
using DbUp;
using DbUp.Engine;
using DbUp.Engine.Output;
using DbUp.Engine.Transactions;
using DbUp.Postgresql;
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

    private const string NoTransaction = "-- no-transaction";

    private const string Compatible = "-- compatible";

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
        var write = await Pending(connection);
        if (write.Count > 0)
        {
            await Explained(connection, "The journal of migrations", () => Prepare(connection, write));
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
                + " -c timezone=UTC -c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c standard_conforming_strings=on"
                + " -c statement_timeout=0 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
                + " -c client_min_messages=warning",
        }.ConnectionString;
    }

    private async Task<List<Script>> Pending(NpgsqlConnection connection)
    {
        var closed = await connection.ExecuteScalarAsync<string>(
            """
            select format('The role %1$I may not read the journal of migrations. Run as %2$I: grant select on %3$s to %1$I', current_user, pg_get_userbyid(relowner), oid::regclass)
            from pg_class
            where oid = to_regclass('schemaversions') and not has_table_privilege(oid, 'select')
            """);
        if (closed is not null)
            throw new StartupException(closed);
        // Reads the row as JSON, so that missing columns are null.
        var journal = await connection.ExecuteScalarAsync<bool>("select to_regclass('schemaversions') is null")
            ? []
            : (await connection.QueryAsync<(string Name, string? Checksum, bool? Compatible)>(
                """
                select scriptname, to_jsonb(s) ->> 'checksum', (to_jsonb(s) ->> 'compatible')::boolean
                from schemaversions s
                """)).AsList();
        foreach (var (name, checksum, compatible) in journal)
        {
            var script = _scripts.FirstOrDefault(script => script.Name == name);
            if (script is null && compatible != true)
                throw new StartupException(
                    $"The database is newer than this program: it has the migration {name}, which this version does not know, and which is not recorded as compatible with it. "
                    + "Start the version that made it, or a later one; to go back further, restore a backup.");
            if (script is not null && checksum is not null && checksum != script.Checksum)
                throw new StartupException(
                    $"The migration {name} was edited after it was applied to this database. Restore the script and put the change into a new one."
                );
        }
        return [.. _scripts.Where(script => journal.TrueForAll(applied => applied.Name != script.Name))];
    }

    private static async Task Prepare(NpgsqlConnection connection, List<Script> write)
    {
        var refusal = await connection.ExecuteScalarAsync<string>(
            """
            select case
                when current_schema() is null then coalesce(
                    (
                        -- It is there, but lookups pass over a schema that may not be used. Who finds it migrated needs to make nothing.
                        select format(
                            'The role %1$I may not use the schema %2$I. Run as its owner: grant %3$s on schema %2$I to %1$I',
                            current_user, nspname, case when migrated then 'usage' else 'create, usage' end)
                        from regexp_split_to_table(replace(current_setting('search_path'), '"', ''), ' *, *')
                             with ordinality as path (name, no)
                        join pg_namespace n on nspname = case name when '$user' then current_user else name end
                        cross join lateral (
                            select exists (select from pg_class where relnamespace = n.oid and relname = 'schemaversions')
                        ) as found (migrated)
                        order by no
                        limit 1
                    ),
                    format(
                        'The search_path (%s) names no schema that is there. Run: create schema %I authorization %I',
                        current_setting('search_path'), split_part(replace(current_setting('search_path'), '"', ''), ',', 1), current_user))
                when not has_schema_privilege(current_schema(), 'create') then format(
                    'The role %I may not make tables in the schema %I. Run as its owner: grant create, usage on schema %I to %I',
                    current_user, current_schema(), current_schema(), current_user)
                when @NeedsExtension
                    and not exists (select from pg_extension where extname = 'btree_gin')
                    and not has_database_privilege(current_database(), 'create')
                    then format(
                    'The extension btree_gin is missing, and the role %I may not make it. Run in this database, as its owner: create extension btree_gin; or grant create on database %I to %I',
                    current_user, current_database(), current_user)
                end
            """,
            new
            {
                NeedsExtension = write.Exists(script =>
                    script.Text.Contains("create extension if not exists btree_gin", StringComparison.Ordinal)),
            });
        if (refusal is not null)
            throw new StartupException(refusal);
        await connection.ExecuteAsync(
            """
            create table if not exists schemaversions (
                schemaversionsid serial not null constraint schemaversions_pkey primary key,
                scriptname varchar(255) not null,
                applied timestamp without time zone not null
            );
            alter table schemaversions add column if not exists checksum varchar(64);
            alter table schemaversions add column if not exists compatible boolean;
            """);
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
        var upgrader = DeployChanges.To.PostgresqlDatabase(new LockedConnection(connection, ct))
            .WithScripts(write.Select(script => new SqlScript(script.Name, script.Text)))
            .JournalTo((manager, upgradeLog) => new Journal(manager, upgradeLog, connection, write))
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

        /// <summary>Whether one of the comment lines at the beginning equals this header.</summary>
        public static bool Has(string text, string header) =>
            text.ReplaceLineEndings("\n").Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)).Contains(header);

        public static Script FromResource(string resource)
        {
            using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
            return new(resource["migrations/".Length..], reader.ReadToEnd());
        }
    }
    /// <summary>
    /// Makes DbUp use the connection that holds the lock: if the connection breaks, the lock is lost and nothing more is applied. DbUp's
    /// own managers open a connection of their own and have one transaction mode for all scripts.
    /// </summary>
    private sealed class LockedConnection(NpgsqlConnection connection, CancellationToken ct) : IConnectionManager, IDisposable
    {
        private bool _needsTransaction;

        public TransactionMode TransactionMode { get; set; }

        public bool IsScriptOutputLogged { get; set; }

        public int? ExecutionTimeoutSeconds { get; set; }

        public IDisposable OperationStarting(IUpgradeLog upgradeLog, List<SqlScript> executedScripts) => this;

        public bool TryConnect(IUpgradeLog upgradeLog, out string errorMessage)
        {
            errorMessage = "";
            return true;
        }

        // DbUp asks for a script's commands before it runs them; Npgsql splits the script itself.
        public IEnumerable<string> SplitScriptIntoCommands(string scriptContents)
        {
            // A script without a transaction must be one idempotent statement: if the process dies before the journal has its row, it runs
            // again.
            _needsTransaction = !Script.Has(scriptContents, NoTransaction);
            return [scriptContents];
        }

        public void ExecuteCommandsWithManagedConnection(Action<Func<IDbCommand>> action) =>
            ExecuteCommandsWithManagedConnection(commands =>
            {
                action(commands);
                return true;
            });

        public T ExecuteCommandsWithManagedConnection<T>(Func<Func<IDbCommand>, T> actionWithResult)
        {
            ct.ThrowIfCancellationRequested();
            if (!_needsTransaction)
                return actionWithResult(connection.CreateCommand);
            using var transaction = connection.BeginTransaction();
            var result = actionWithResult(connection.CreateCommand);
            transaction.Commit();
            return result;
        }

        // The owner closes the connection.
        public void Dispose()
        {
        }
    }

    /// <summary>DbUp's journal, with UTC times wherever the program runs, and with the two additional columns.</summary>
    private sealed class Journal(
        Func<IConnectionManager> manager,
        Func<IUpgradeLog> upgradeLog,
        NpgsqlConnection connection,
        List<Script> scripts
    ) : PostgresqlTableJournal(manager, upgradeLog, null, "schemaversions")
    {
        public override void StoreExecutedScript(SqlScript script, Func<IDbCommand> dbCommandFactory)
        {
            var applied = scripts.Single(each => each.Name == script.Name);
            connection.Execute(
                """
                insert into schemaversions (scriptname, applied, checksum, compatible)
                values (@Name, now() at time zone 'UTC', @Checksum, @Compatible)
                """,
                new { applied.Name, applied.Checksum, Compatible = Script.Has(applied.Text, Compatible) });
        }
    }
}
