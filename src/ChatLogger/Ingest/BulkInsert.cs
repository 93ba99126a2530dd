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

    /// <param name="keyed">Whether any of the rows has an Idempotency-Key.</param>
    /// <param name="wait">Whether the statement waits for row locks; otherwise it skips locked rows and reports them.</param>
    string Text(bool keyed, bool wait);
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
internal sealed class BulkInsert<T> : IBulkInsert<T>
    where T : IWrite
{
    /// <summary>
    /// The client-side timeout. The server's shorter statement_timeout applies first; this one is for a server that does not answer at all.
    /// </summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _db;
    private readonly IngestSettings _settings;
    private readonly TimeProvider _time;
    private readonly ChangeLog _changeLog;
    private readonly string _route;
    private readonly Dictionary<(bool Keyed, bool Wait), Statement> _statements = [];

    /// <param name="sql">The statement.</param>
    /// <param name="route">The route that the Idempotency-Keys are stored under.</param>
    /// <param name="db">The pool that the statement runs on.</param>
    /// <param name="settings">The retention of Idempotency-Keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changeLog">Records which organizations have changes.</param>
    public BulkInsert(
        IBulkInsertSql<T> sql, string route, NpgsqlDataSource db, IngestSettings settings, TimeProvider time, ChangeLog changeLog)
    {
        (_route, _db, _settings, _time, _changeLog) = (route, db, settings, time, changeLog);
        foreach (var (keyed, wait) in new[] { (false, false), (false, true), (true, false), (true, true) })
            _statements.Add((keyed, wait), Number(sql.Text(keyed, wait), sql.Columns));
    }

    public async Task<WriteStatus[]> Run(IReadOnlyList<T> writes, bool wait)
    {
        var statement = _statements[(writes.Any(write => write.IdempotencyKey is not null), wait)];
        var rows = new Rows(writes, _time.GetUtcNow());
        var parameters = Array.ConvertAll(statement.Parameters, parameter => parameter(rows));
        var statuses = new WriteStatus[writes.Count];
        using var timeout = new CancellationTokenSource(Timeout);
        try
        {
            await DatabaseWork.Run(
                _db,
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
            _changeLog.Record(orgId);
        return statuses;
    }

    private async Task<bool> Run(
        NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, WriteStatus[] statuses, CancellationToken ct)
    {
        // An NpgsqlBatch is one transaction, also behind a transaction pooler.
        await using var batch = new NpgsqlBatch(connection);
        if (_settings.SessionSetupSql is { } setup)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(setup));
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(ct);
            if (_settings.SessionSetupSql is not null)
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
    private Statement Number(string text, BulkInsertColumns<T> columns)
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

    private Func<Rows, NpgsqlParameter> Parameter(string name, BulkInsertColumns<T> columns) => name switch
    {
        // Each organization and each lock key once; and for every row, the number of its lock key among these.
        "organizations" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Organizations),
        "lock_org_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.LockKeys.ConvertAll(key => key.OrgId).ToArray()),
        "lock_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.LockKeys.ConvertAll(key => key.Id).ToArray()),
        "lock_no" => rows => ArrayParameter.Of(NpgsqlDbType.Integer, rows.LockNumbers),
        "key" => rows => ArrayParameter.Of(NpgsqlDbType.Text, rows.Writes.Select(write => write.IdempotencyKey?.Key).ToArray()),
        "body_sha256" => rows =>
            ArrayParameter.Of(NpgsqlDbType.Bytea, rows.Writes.Select(write => write.IdempotencyKey?.BodySha256).ToArray()),
        "route" => _ => new NpgsqlParameter<string> { TypedValue = _route, NpgsqlDbType = NpgsqlDbType.Text },
        "now" => rows => Instant(rows.Now),
        "forgotten" => rows => Instant(rows.Now - _settings.KeyRetention),
        _ => Of(columns[name]),
    };

    private static Func<Rows, NpgsqlParameter> Of(Func<IReadOnlyList<T>, NpgsqlParameter> column) => rows => column(rows.Writes);

    private static NpgsqlParameter<DateTime> Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private sealed record Statement(string Text, Func<Rows, NpgsqlParameter>[] Parameters);

    /// <summary>The rows of one statement, with their lock keys numbered from 1.</summary>
    private sealed class Rows
    {
        public Rows(IReadOnlyList<T> writes, DateTimeOffset now)
        {
            (Writes, Now, LockNumbers) = (writes, now, new int[writes.Count]);
            var numbers = new Dictionary<LockKey, int>(writes.Count);
            for (var i = 0; i < writes.Count; i++)
            {
                var key = writes[i].LockKey;
                if (!numbers.TryGetValue(key, out LockNumbers[i]))
                {
                    LockKeys.Add(key);
                    numbers.Add(key, LockNumbers[i] = LockKeys.Count);
                }
            }
            Organizations = [.. LockKeys.Select(key => key.OrgId).Distinct()];
        }

        public IReadOnlyList<T> Writes { get; }

        public DateTimeOffset Now { get; }

        public int[] LockNumbers { get; }

        public List<LockKey> LockKeys { get; } = [];

        public Guid[] Organizations { get; }
    }
}
