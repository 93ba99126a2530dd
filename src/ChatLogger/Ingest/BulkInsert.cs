using System.Text.RegularExpressions;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Ingest;

/// <summary>
/// The statement of a bulk insert, which a slice writes. In its text @name stands for a column of the rows, as an array, or for a parameter
/// that <see cref="BulkInsert{T}"/> adds. The result contains only the rows that were not inserted: the name of their
/// <see cref="WriteStatus"/>, and their number, counted from 1.
/// </summary>
internal interface IBulkInsertSql<T>
    where T : IWrite
{
    BulkInsertColumns<T> Columns { get; }

    /// <summary>
    /// Whether the row has a value in one of the columns that few rows have. Arrays of nulls are not free: PostgreSQL reads each of them
    /// into a temporary table.
    /// </summary>
    bool HasRareColumns(T write) => false;

    /// <summary>
    /// The unique constraint of what a row stands for, other than its id. The statement reports rows that violate it as
    /// <see cref="WriteStatus.AlreadyExists"/>, as far as it sees them. Null: there is none.
    /// </summary>
    string? IdentityConstraint => null;

    /// <param name="keyed">Whether any of the rows has an Idempotency-Key.</param>
    /// <param name="rare">Whether any of the rows has a value in a rare column; otherwise the statement leaves these columns out.</param>
    /// <param name="wait">Whether the statement waits for row locks; otherwise it skips locked rows and reports them.</param>
    string Text(bool keyed, bool rare, bool wait);
}

/// <summary>The columns of the rows, by the names that the statement uses.</summary>
internal sealed class BulkInsertColumns<T>
{
    private readonly Dictionary<string, Func<IReadOnlyList<T>, NpgsqlParameter>> _columns = [];

    public Func<IReadOnlyList<T>, NpgsqlParameter> this[string name] => _columns[name];

    public BulkInsertColumns<T> Add<TValue>(string name, NpgsqlDbType type, Func<T, TValue> value)
    {
        _columns.Add(name, writes => ArrayParameter.Of(type, writes.Select(value).ToArray()));
        return this;
    }
}

/// <summary>Inserts many rows with the statement of a slice, and records the change in the change log.</summary>
/// <param name="sql">The statement.</param>
/// <param name="route">The route that the Idempotency-Keys are stored under.</param>
/// <param name="db">The pool that the statement runs on.</param>
/// <param name="settings">The retention of Idempotency-Keys.</param>
/// <param name="time">The clock.</param>
/// <param name="changeLog">Records which organizations have changes.</param>
internal sealed class BulkInsert<T>(
    IBulkInsertSql<T> sql, string route, NpgsqlDataSource db, IngestSettings settings, TimeProvider time, ChangeLog changeLog)
    : IBulkInsert<T>
    where T : IWrite
{
    /// <summary>
    /// The client-side timeout. The server's shorter statement_timeout applies first; this one is for a server that does not answer at all.
    /// </summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<(bool Keyed, bool Rare, bool Wait), Statement> _statements = (
        from keyed in new[] { false, true }
        from rare in new[] { false, true }
        from wait in new[] { false, true }
        select (keyed, rare, wait)).ToDictionary(each => each, each => Number(sql.Text(each.keyed, each.rare, each.wait), sql.Columns));

    public async Task<WriteStatus[]> Run(IReadOnlyList<T> writes, bool wait)
    {
        var statement = _statements[(writes.Any(write => write.IdempotencyKey is not null), writes.Any(sql.HasRareColumns), wait)];
        var now = time.GetUtcNow();
        var rows = new Rows(writes, route, now, now - settings.KeyRetention);
        var parameters = Array.ConvertAll(statement.Parameters, parameter => parameter(rows));
        var statuses = new WriteStatus[writes.Count];
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await DatabaseWork.Run(
                db,
                (connection, ct) => Sql.Prepared(
                    connection,
                    (connection, ct) => Run(connection, statement.Text, parameters, statuses, ct),
                    ct),
                timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            // The waiting callers have been told, and the next batch gets another connection.
            throw new TimeoutException("The database did not answer a write in time.");
        }
        foreach (var orgId in rows.Organizations)
            changeLog.Record(orgId);
        return statuses;
    }

    public bool IsRepeatable(PostgresException failure) =>
        failure.SqlState == PostgresErrorCodes.UniqueViolation
        && sql.IdentityConstraint is { } constraint
        && failure.ConstraintName?.StartsWith(constraint, StringComparison.Ordinal) == true;

    private async Task<bool> Run(
        NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, WriteStatus[] statuses, CancellationToken ct)
    {
        // An NpgsqlBatch is one transaction, also behind a transaction pooler.
        await using var batch = new NpgsqlBatch(connection);
        if (settings.SessionSetupSql is { } setup)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(setup));
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(ct);
            if (settings.SessionSetupSql is not null)
                await reader.NextResultAsync(ct);
            while (await reader.ReadAsync(ct))
                statuses[reader.GetInt32(1) - 1] = Enum.Parse<WriteStatus>(reader.GetString(0));
            return true;
        }
        finally
        {
            // A parameter belongs to one command at a time; the statement may have to be repeated.
            command.Parameters.Clear();
        }
    }

    // PostgreSQL numbers parameters. Only those that the text names are sent.
    private static Statement Number(string text, BulkInsertColumns<T> columns)
    {
        var names = new List<string>();
        var numbered = Regex.Replace(text, "@([a-z0-9_]+)", match =>
        {
            var name = match.Groups[1].Value;
            if (!names.Contains(name))
                names.Add(name);
            return $"${names.IndexOf(name) + 1}";
        });
        return new(numbered, [.. names.Select(name => Parameter(name, columns))]);
    }

    private static Func<Rows, NpgsqlParameter> Parameter(string name, BulkInsertColumns<T> columns) => name switch
    {
        "organizations" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Organizations),
        "lock_org_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Locks.Keys.ConvertAll(key => key.OrgId).ToArray()),
        "lock_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Locks.Keys.ConvertAll(key => key.Id).ToArray()),
        "lock_no" => rows => ArrayParameter.Of(NpgsqlDbType.Integer, rows.Locks.Numbers),
        "key" => rows => ArrayParameter.Of(NpgsqlDbType.Text, rows.Writes.Select(write => write.IdempotencyKey?.Key).ToArray()),
        "body_sha256" => rows =>
            ArrayParameter.Of(NpgsqlDbType.Bytea, rows.Writes.Select(write => write.IdempotencyKey?.BodySha256).ToArray()),
        "route" => rows => new NpgsqlParameter<string> { TypedValue = rows.Route, NpgsqlDbType = NpgsqlDbType.Text },
        "now" => rows => Instant(rows.Now),
        "forgotten" => rows => Instant(rows.Forgotten),
        _ => Of(columns[name]),
    };

    private static Func<Rows, NpgsqlParameter> Of(Func<IReadOnlyList<T>, NpgsqlParameter> column) => rows => column(rows.Writes);

    private static NpgsqlParameter<DateTime> Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private sealed record Statement(string Text, Func<Rows, NpgsqlParameter>[] Parameters);

    private sealed record Rows(IReadOnlyList<T> Writes, string Route, DateTimeOffset Now, DateTimeOffset Forgotten)
    {
        /// <summary>Each lock key once; and for every row the number of its lock key among these, counted from 1.</summary>
        public (List<LockKey> Keys, int[] Numbers) Locks { get; } = NumberLocks(Writes);

        public Guid[] Organizations => [.. Locks.Keys.Select(key => key.OrgId).Distinct()];

        private static (List<LockKey>, int[]) NumberLocks(IReadOnlyList<T> writes)
        {
            var (keys, rowNumbers) = (new List<LockKey>(), new int[writes.Count]);
            var numbers = new Dictionary<LockKey, int>(writes.Count);
            for (var i = 0; i < writes.Count; i++)
            {
                if (!numbers.TryGetValue(writes[i].LockKey, out rowNumbers[i]))
                {
                    keys.Add(writes[i].LockKey);
                    numbers.Add(writes[i].LockKey, rowNumbers[i] = keys.Count);
                }
            }
            return (keys, rowNumbers);
        }
    }
}

/// <summary>The parts of a bulk insert that store Idempotency-Keys and are the same for every kind of row.</summary>
internal static class BulkInsertKeys
{
    public const string Insert =
        "insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at)";

    /// <summary>Overwrites an expired entry, whether or not the cleanup has seen it, and leaves any other as it is.</summary>
    public const string OnConflict =
        """
        on conflict (org_id, route, parent_id, key) do update
            set body_sha256 = excluded.body_sha256, target_id = excluded.target_id, created_at = excluded.created_at,
                existed = excluded.existed
            where known.created_at <= @forgotten
        """;
}
