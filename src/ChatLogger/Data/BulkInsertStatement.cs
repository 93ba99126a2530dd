using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Data;

/// <summary>How a flush speaks to the database: whole columns go there, and what comes back are the exceptions.</summary>
internal static class BulkInsertStatement
{
    /// <summary>The statement has a limit of its own on the server, which is shorter: this one is for a server that does not answer at all.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>A column of the rows to be written.</summary>
    public static NpgsqlParameter Column<T>(NpgsqlDbType type, T[] values) =>
        new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    public static NpgsqlParameter Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Text(string value) => new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>Runs the statement and tells each exception: what kind it is, and of which row or place (counted from 1).</summary>
    /// <exception cref="TimeoutException">PostgreSQL does not answer. Those who wait have been told so, and the next ones get another connection.</exception>
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

    private static async Task Run(NpgsqlConnection connection, string? ahead, string sql, NpgsqlParameter[] parameters, Action<int, int> exception, CancellationToken ct)
    {
        // One batch is one transaction, also for a pooler in between.
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
