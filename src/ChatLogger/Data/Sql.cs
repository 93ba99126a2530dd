using System.Data;
using System.Net.Sockets;
using Dapper;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>One statement on a connection of the pool, abandoned with the request (<see cref="DatabaseWork"/>). Dapper maps; see <see cref="DapperConventions"/>.</summary>
internal static class Sql
{
    public static Task<T?> QuerySingleOrDefaultAsync<T>(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        db.OnConnection(
            (connection, token) => connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: token)),
            ct,
            OnlyReads(sql));

    public static async Task<IReadOnlyList<T>> QueryAsync<T>(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        (await db.OnConnection(
            (connection, token) => connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: token)),
            ct,
            OnlyReads(sql))).AsList();

    /// <summary>How many rows the statement touched.</summary>
    public static Task<int> ExecuteAsync(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        db.OnConnection((connection, token) => connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: token)), ct);

    /// <summary>Several statements that hold together or not at all; committed when <paramref name="work"/> returns, rolled back when it throws.</summary>
    public static Task<T> InTransactionAsync<T>(this NpgsqlDataSource db, Func<Transaction, Task<T>> work, CancellationToken ct) =>
        db.OnConnection(
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, token);
                var afterCommit = new List<Action>();
                var result = await work(new Transaction(connection, transaction, afterCommit, token));
                await transaction.CommitAsync(token);
                afterCommit.ForEach(action => action());
                return result;
            },
            ct);

    // A statement that begins so has no other effect than its answer, and none at all when its connection is lost.
    private static bool OnlyReads(string sql) => sql.AsSpan().TrimStart().StartsWith("select", StringComparison.Ordinal);

    private static async Task<T> OnConnection<T>(
        this NpgsqlDataSource db, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken ct, bool mayRepeat = false)
    {
        try
        {
            return await DatabaseWork.Run(db, (connection, token) => Prepared(connection, work, token), ct);
        }
        catch (NpgsqlException cut) when (IsCut(cut))
        {
            // Whoever killed this connection has probably killed those that lie idle too: the next callers shall not find out one by one.
            db.Clear();
            // Nor shall this one, if asking twice is the same as asking once.
            if (!mayRepeat)
                throw;
        }
        return await db.OnConnection(work, ct);
    }

    /// <summary>Works on a connection whose statements may be prepared, and puts right what server and driver do not agree on about them.</summary>
    public static async Task<T> Prepared<T>(
        NpgsqlConnection connection, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken ct)
    {
        try
        {
            return await work(connection, ct);
        }
        // A pooler or an operator has reset the session (DISCARD ALL), and what was prepared is gone. The statement was not even begun; once
        // the connection no longer believes in its prepared statements, it goes through.
        catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.InvalidSqlStatementName)
        {
            connection.UnprepareAll();
            return await work(connection, ct);
        }
        // The statement was refused as such (42…: a right or a table is gone), possibly while it was being prepared. Npgsql then mistakes what is
        // prepared, and breaks the connection when the statement is allowed again.
        catch (PostgresException refused) when (refused.SqlState.StartsWith("42", StringComparison.Ordinal) && connection.State == ConnectionState.Open)
        {
            connection.UnprepareAll();
            throw;
        }
    }

    private static bool IsCut(NpgsqlException exception) =>
        exception.InnerException is IOException or SocketException
        || exception.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown;

    /// <summary>Several questions to one consistent snapshot; nothing is written. Asked anew from the first when the connection is lost.</summary>
    public static Task<T> InSnapshotAsync<T>(this NpgsqlDataSource db, Func<Transaction, Task<T>> work, CancellationToken ct) =>
        db.OnConnection(
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, token);
                return await work(new Transaction(connection, transaction, [], token));
            },
            ct,
            mayRepeat: true);

    /// <param name="Connection">The connection.</param>
    /// <param name="Inner">Npgsql's transaction.</param>
    /// <param name="Committed">What is done once the transaction holds.</param>
    /// <param name="Ct">The token for all that runs on this connection. It is not the request's: see <see cref="DatabaseWork"/>.</param>
    internal readonly record struct Transaction(NpgsqlConnection Connection, NpgsqlTransaction Inner, List<Action> Committed, CancellationToken Ct)
    {
        /// <summary>Something that may only be said once the transaction holds; it is not done when the transaction is rolled back.</summary>
        public void AfterCommit(Action action) => Committed.Add(action);

        public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object parameters) =>
            Connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct));

        public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object parameters) =>
            (await Connection.QueryAsync<T>(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct))).AsList();

        public Task<int> ExecuteAsync(string sql, object parameters) =>
            Connection.ExecuteAsync(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct));
    }
}
