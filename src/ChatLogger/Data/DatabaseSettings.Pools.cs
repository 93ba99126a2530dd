using System.Globalization;
using Npgsql;

namespace ChatLogger.Data;

/// <content>The connection string of each pool.</content>
internal sealed partial record DatabaseSettings
{
    /// <summary>Adds our timeouts and session parameters to a connection string; values that it sets itself stay.</summary>
    public string Complete(string connectionString)
    {
        // ContainsKey would only tell whether Npgsql knows the name.
        var given = new NpgsqlConnectionStringBuilder(connectionString).Keys;
        var complete = new NpgsqlConnectionStringBuilder(connectionString);
        if (!given.Contains("Application Name"))
            complete.ApplicationName = "chatlogger";
        if (!given.Contains("Maximum Pool Size"))
            complete.MaxPoolSize = PoolSize;
        if (!given.Contains("Timeout"))
            complete.Timeout = 4;
        // The server's statement_timeout applies first, after the request's deadline. This timeout is for a server that does not answer:
        // Npgsql does not cancel while it waits for what it sent before a statement (BEGIN, the session reset), so until then the pool
        // lacks the connection.
        if (!given.Contains("Command Timeout"))
            complete.CommandTimeout = SecondsAfter(StatementTimeout);
        if (!given.Contains("Cancellation Timeout"))
            complete.CancellationTimeout = 250;
        // The service sets session state only for a transaction, so no reset before the next statement is necessary, and none can hang. A
        // reset would also discard the parameters that a statement set (SessionSetup.ByStatement).
        complete.NoResetOnClose = true;
        if (TransactionPooler)
        {
            // The next statement may run in another session, which does not have the prepared statements. A pooler only accepts a few
            // start-up parameters, including the time zone, and rejects the others.
            complete.MaxAutoPrepare = 0;
            complete.Timezone = "UTC";
            return complete.ConnectionString;
        }
        if (!given.Contains("Max Auto Prepare"))
            complete.MaxAutoPrepare = 100;
        if (!given.Contains("Auto Prepare Min Usages"))
            complete.AutoPrepareMinUsages = 2;
        // The last of two options with one name wins: the operator can override the timeouts, but not what durability and time formats
        // depend on.
        complete.Options = string.Join(
            ' ',
            $"-c statement_timeout={StatementTimeout.TotalMilliseconds:F0}",
            $"-c lock_timeout={LockTimeout.TotalMilliseconds:F0}",
            "-c idle_in_transaction_session_timeout=30000",
            // A pooled connection may be idle for any time.
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

    /// <summary>Does the same for the analytics pool.</summary>
    public string CompleteForAnalytics(string connectionString)
    {
        var complete = new NpgsqlConnectionStringBuilder(Complete(connectionString)) { MaxPoolSize = AnalyticsPoolSize };
        // The best plan depends on how much data the queried range has; the time to plan each query is negligible in comparison.
        if (!TransactionPooler)
            complete.Options +=
                $" -c statement_timeout={AnalyticsStatementTimeout.TotalMilliseconds:F0} -c plan_cache_mode=force_custom_plan";
        if (complete.CommandTimeout > 0)
            complete.CommandTimeout = Math.Max(complete.CommandTimeout, SecondsAfter(AnalyticsStatementTimeout));
        return complete.ConnectionString;
    }

    /// <summary>Does the same for the export pool.</summary>
    public string CompleteForExports(string connectionString)
    {
        // COPY sends each row as its own message; a larger buffer needs fewer reads.
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

    /// <summary>Does the same for the plugin pool.</summary>
    public string CompleteForPlugins(string connectionString) =>
        new NpgsqlConnectionStringBuilder(Complete(connectionString)) { MaxPoolSize = PluginPoolSize }.ConnectionString;

    /// <summary>
    /// The statement that precedes each write in the same transaction where sessions cannot have start-up options. Null: they can.
    /// </summary>
    public string? WritingSessionSetup =>
        !TransactionPooler
            ? null
            : "select " + string.Join(", ", ForWriting.Select(each => $"set_config('{each.Name}', '{each.Value}', true)"));

    // A custom plan for the actual arrays would join all chats with a long array; a generic plan looks up each chat by index.
    private (string Name, string Value)[] ForWriting =>
    [
        ("lock_timeout", WritingLockTimeout.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture)),
        ("statement_timeout", "4500"),
        // A transaction locks logs and then inserts. If its connection is lost in between and the server does not notice, it must end
        // before the writes that wait for these locks time out.
        ("idle_in_transaction_session_timeout", "2000"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
    ];

    /// <summary>Does the same for the write pool.</summary>
    public string CompleteForWriting(string connectionString, Engine engine)
    {
        var complete = new NpgsqlConnectionStringBuilder(Complete(connectionString))
        {
            MaxPoolSize = WritingPoolSize,
            // The callers' deadlines have expired by then. A statement without an answer must not delay those that follow.
            CommandTimeout = 5,
            WriteBufferSize = 64 * 1024,
        };
        if (!TransactionPooler)
        {
            // Citus cannot plan all statements without the values of their parameters.
            foreach (var (name, value) in ForWriting.Where(each => !engine.IsDistributed || each.Name != "plan_cache_mode"))
                complete.Options += $" -c {name}={value}";
        }
        return complete.ConnectionString;
    }

    /// <summary>The statements that give a transaction on one shard the limits of the write pool on its node too.</summary>
    public IReadOnlyList<string> DistributedWritingSetup =>
    [
        Engine.Propagate,
        .. ForWriting.Where(each => each.Name.EndsWith("_timeout", StringComparison.Ordinal)).Select(each =>
            $"set local {each.Name} to '{each.Value}'"),
    ];

    /// <summary>The statements that give any other transaction on one shard the lock timeout of its pool there too.</summary>
    public string DistributedSetup => string.Create(
        CultureInfo.InvariantCulture, $"{Engine.Propagate}; set local lock_timeout to {LockTimeout.TotalMilliseconds:F0}");

    private static int SecondsAfter(TimeSpan limit) => (int)Math.Ceiling(limit.TotalSeconds) + 1;
}
