using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Data;

/// <summary>Runs a bulk insert: the parameters are whole columns, and the result contains only the rows that failed.</summary>
internal static class BulkInsertStatement
{
    /// <summary>
    /// The client-side timeout. The server's shorter statement_timeout applies first; this one is for a server that does not answer at all.
    /// </summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Creates the array parameter for one column of the rows.</summary>
    public static NpgsqlParameter Column<T>(NpgsqlDbType type, T[] values) =>
        new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    public static NpgsqlParameter Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Text(string value) =>
        new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>Runs the statement and reports each exceptional row: its kind, and its row or position (counted from 1).</summary>
    /// <exception cref="TimeoutException">PostgreSQL does not answer. The waiting callers have been told, and the next batch gets another
    /// connection.</exception>
    public static async Task Run(NpgsqlDataSource db, string? ahead, string sql, NpgsqlParameter[] parameters, Action<int, int> exception)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await DatabaseWork.Run(
                db,
                (connection, ct) => Sql.Prepared(
                    connection,
                    async (connection, ct) =>
                    {
                        await Run(connection, ahead, sql, parameters, exception, ct);
                        return true;
                    },
                    ct),
                timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw new TimeoutException("The database did not answer a write in time.");
        }
    }

    private static async Task Run(
        NpgsqlConnection connection,
        string? ahead,
        string sql,
        NpgsqlParameter[] parameters,
        Action<int, int> exception,
        CancellationToken ct)
    {
        // An NpgsqlBatch is one transaction, also behind a transaction pooler.
        await using var batch = new NpgsqlBatch(connection);
        if (ahead is not null)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(ahead));
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(ct);
            if (ahead is not null)
                await reader.NextResultAsync(ct);
            while (await reader.ReadAsync(ct))
                exception(reader.GetInt32(0), reader.GetInt32(1));
        }
        finally
        {
            command.Parameters.Clear();
        }
    }
}
