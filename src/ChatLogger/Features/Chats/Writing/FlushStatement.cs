using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Features;

/// <summary>How a flush speaks to the database: whole columns go there, and what comes back are the exceptions.</summary>
internal static class FlushStatement
{
    /// <summary>A column of the rows to be written.</summary>
    public static NpgsqlParameter Column<T>(NpgsqlDbType type, T[] values) =>
        new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    public static NpgsqlParameter Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Text(string value) => new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>Runs the statement and tells each exception: what kind it is, and of which row or place (counted from 1).</summary>
    public static async Task Run(NpgsqlDataSource db, string sql, NpgsqlParameter[] parameters, Action<int, int> exception)
    {
        await using var connection = await db.ConnectAsync();
        try
        {
            await Run(connection, sql, parameters, exception);
        }
        // The session was reset, and what was prepared is gone (see Sql). The statement was not even begun.
        catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.InvalidSqlStatementName)
        {
            connection.UnprepareAll();
            await Run(connection, sql, parameters, exception);
        }
    }

    private static async Task Run(NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, Action<int, int> exception)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        try
        {
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                exception(reader.GetInt32(0), reader.GetInt32(1));
        }
        finally
        {
            command.Parameters.Clear();
        }
    }
}
