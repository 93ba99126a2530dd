using System.Data;
using System.Net.Sockets;
using Dapper;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Runs single statements on pooled connections and abandons them with the request (<see cref="DatabaseWork"/>). Dapper maps the rows; see
/// <see cref="DapperConventions"/>.
/// </summary>
internal static class Sql
{
    /// <summary>
    /// Reads one row, or none. For statements without side effects only: it repeats the statement when its connection breaks.
    /// </summary>
    public static Task<T?> ReadSingleOrDefaultAsync<T>(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        db.OnConnection(Single<T>(sql, parameters), ct, mayRepeat: true);

    /// <summary>Reads rows. For statements without side effects only: it repeats the statement when its connection breaks.</summary>
    public static async Task<IReadOnlyList<T>> ReadAsync<T>(
        this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        (await db.OnConnection(Many<T>(sql, parameters), ct, mayRepeat: true)).AsList();

    /// <summary>Runs a statement, which may write, and returns its one row, or none.</summary>
    public static Task<T?> QuerySingleOrDefaultAsync<T>(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        db.OnConnection(Single<T>(sql, parameters), ct);

    /// <summary>Returns the number of affected rows.</summary>
    public static Task<int> ExecuteAsync(this NpgsqlDataSource db, string sql, object parameters, CancellationToken ct) =>
        db.OnConnection(
            (connection, token) => connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: token)),
            ct);

    /// <summary>
    /// Runs several statements in a transaction: commits when <paramref name="work"/> returns, rolls back when it throws.
    /// </summary>
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

    private static Func<NpgsqlConnection, CancellationToken, Task<T?>> Single<T>(string sql, object parameters) =>
        (connection, token) => connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: token));

    private static Func<NpgsqlConnection, CancellationToken, Task<IEnumerable<T>>> Many<T>(string sql, object parameters) =>
        (connection, token) => connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: token));

    private static async Task<T> OnConnection<T>(
        this NpgsqlDataSource db, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken ct, bool mayRepeat = false)
    {
        try
        {
            return await DatabaseWork.Run(db, (connection, token) => Prepared(connection, work, token), ct);
        }
        catch (NpgsqlException cut) when (IsCut(cut))
        {
            // Whatever broke this connection has probably broken the idle ones too, so the pool is cleared before other callers meet them
            // one by one.
            db.Clear();
            // What has no side effects is simply repeated.
            if (!mayRepeat)
                throw;
        }
        return await db.OnConnection(work, ct);
    }

    /// <summary>
    /// Runs work whose statements may be prepared, and recovers when server and driver disagree about prepared statements.
    /// </summary>
    public static async Task<T> Prepared<T>(
        NpgsqlConnection connection, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken ct)
    {
        try
        {
            return await work(connection, ct);
        }
        // A pooler or an operator has reset the session (DISCARD ALL), so the prepared statements are gone. The statement did not run; it
        // succeeds once the connection forgets its prepared statements.
        catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.InvalidSqlStatementName)
        {
            connection.UnprepareAll();
            return await work(connection, ct);
        }
        // The server rejected the statement (42…: a privilege or a table is missing), possibly while preparing it. Npgsql then has a
        // wrong record of what is prepared, and would break the connection when the statement is allowed again.
        catch (PostgresException refused)
            when (refused.SqlState.StartsWith("42", StringComparison.Ordinal) && connection.State == ConnectionState.Open)
        {
            connection.UnprepareAll();
            throw;
        }
    }

    private static bool IsCut(NpgsqlException exception) =>
        exception.InnerException is IOException or SocketException
        || exception.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        || (exception is PostgresException refused && Engine.HasLostNode(refused));

    /// <summary>
    /// Runs several queries on one consistent snapshot, without writes. It repeats all of them when the connection breaks.
    /// </summary>
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
    /// <param name="Committed">Actions to run after the commit.</param>
    /// <param name="Ct">The token for all work on this connection. It is not the request's: see <see cref="DatabaseWork"/>.</param>
    internal readonly record struct Transaction(
        NpgsqlConnection Connection,
        NpgsqlTransaction Inner,
        List<Action> Committed,
        CancellationToken Ct)
    {
        /// <summary>Registers an action to run after the commit; a rollback discards it.</summary>
        public void AfterCommit(Action action) => Committed.Add(action);

        public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object parameters) =>
            Connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct));

        public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object parameters) =>
            (await Connection.QueryAsync<T>(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct))).AsList();

        public Task<int> ExecuteAsync(string sql, object parameters) =>
            Connection.ExecuteAsync(new CommandDefinition(sql, parameters, Inner, cancellationToken: Ct));
    }
}
