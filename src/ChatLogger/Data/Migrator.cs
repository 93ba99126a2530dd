using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Brings the schema up to the scripts that are embedded from <c>db/migrations</c>, in the order of their names, each once. The journal is
/// DbUp's table, so that DbUp can take over, with one nullable column more that notices an edited script.
/// </summary>
internal sealed partial class Migrator(string connectionString, ILogger log, IReadOnlyList<Migrator.Script>? scripts = null)
{
    /// <summary>Any number that no other program uses for an advisory lock in this database.</summary>
    private const long LockId = 0x63_68_61_74_6c_6f_67;

    private const string NoTransaction = "-- no-transaction";

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(200);

    private readonly IReadOnlyList<Script> _scripts = scripts ?? Embedded;

    /// <summary>The schema that this program knows: its scripts in order.</summary>
    public static IReadOnlyList<Script> Embedded { get; } =
    [
        .. from resource in Assembly.GetExecutingAssembly().GetManifestResourceNames()
           where resource.StartsWith("migrations/", StringComparison.Ordinal)
           orderby resource
           select Script.FromResource(resource),
    ];

    /// <summary>Runs what is pending and returns how many scripts that were. Eight instances may do so at once: one works, the others wait.</summary>
    /// <exception cref="StartRefused">A script was edited after it ran, or the database is newer than this program.</exception>
    public async Task<int> Run(CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            CommandTimeout = 0,
            ApplicationName = "chatlogger migrations",
            // A migration takes the time it takes; but a lock it does not get must not queue up everybody behind it for ever.
            Options = "-c timezone=UTC -c lock_timeout=30000 -c client_min_messages=warning",
        });
        await using var connection = await source.OpenConnectionAsync(ct);

        // Polled: a session that waits inside pg_advisory_lock holds a snapshot, and create index concurrently waits for snapshots.
        while (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_lock(@LockId)", new { LockId }))
            await Task.Delay(LockPoll, ct);

        await connection.ExecuteAsync(
            """
            create table if not exists schemaversions (
                schemaversionsid serial not null constraint schemaversions_pkey primary key,
                scriptname varchar(255) not null,
                applied timestamp without time zone not null
            );
            alter table schemaversions add column if not exists checksum varchar(64);
            """);

        var pending = await Pending(connection);
        foreach (var script in pending)
        {
            ct.ThrowIfCancellationRequested();
            var started = Stopwatch.GetTimestamp();
            await Apply(connection, script);
            Applied(log, script.Name, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return pending.Count;
        // Closing the connection releases the lock.
    }

    /// <summary>Whether the database has exactly the scripts that this program knows.</summary>
    public static async Task<bool> IsCurrent(NpgsqlDataSource db, CancellationToken ct)
    {
        var applied = await db.QueryAsync<string>("select scriptname from schemaversions order by scriptname", new { }, ct);
        return Embedded.All(script => applied.Contains(script.Name));
    }

    private async Task<List<Script>> Pending(NpgsqlConnection connection)
    {
        var journal = (await connection.QueryAsync<(string Name, string? Checksum)>("select scriptname, checksum from schemaversions")).AsList();
        foreach (var (name, checksum) in journal)
        {
            var script = _scripts.FirstOrDefault(script => script.Name == name)
                ?? throw new StartRefused(
                    $"The database is newer than this program: it has the migration {name}, which this version does not know. Start the version that made it, or a later one.");
            if (checksum is not null && checksum != script.Checksum)
                throw new StartRefused(
                    $"The migration {name} was edited after it was applied to this database. Restore the script and put the change into a new one.");
        }
        return [.. _scripts.Where(script => journal.TrueForAll(applied => applied.Name != script.Name))];
    }

    private static async Task Apply(NpgsqlConnection connection, Script script)
    {
        if (script.Text.StartsWith(NoTransaction, StringComparison.Ordinal))
        {
            // Such a script is one statement that may run twice: a kill between the two commands runs it again.
            await connection.ExecuteAsync(script.Text);
            await Journal(connection, script, null);
            return;
        }
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync(script.Text, transaction: transaction);
        await Journal(connection, script, transaction);
        await transaction.CommitAsync();
    }

    private static Task<int> Journal(NpgsqlConnection connection, Script script, NpgsqlTransaction? transaction) => connection.ExecuteAsync(
        """
        insert into schemaversions (scriptname, applied, checksum)
        values (@Name, now() at time zone 'UTC', @Checksum)
        """,
        new { script.Name, script.Checksum },
        transaction);

    [LoggerMessage(LogLevel.Information, "Applied migration {Script} in {Milliseconds} ms")]
    private static partial void Applied(ILogger log, string script, long milliseconds);

    /// <summary>A migration: its name in the journal and its text.</summary>
    internal sealed record Script(string Name, string Text)
    {
        /// <summary>Independent of how the checkout ends its lines.</summary>
        public string Checksum => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"))));

        public static Script FromResource(string resource)
        {
            using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
            return new(resource["migrations/".Length..], reader.ReadToEnd());
        }
    }
}
