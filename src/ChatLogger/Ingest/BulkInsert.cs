using System.Text.RegularExpressions;
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

    /// <summary><see cref="IBulkInsert.Order"/>.</summary>
    int Order { get; }

    /// <param name="keyed">Whether any of the rows has an Idempotency-Key.</param>
    /// <param name="rare">Whether any of the rows has a value in a rare column; otherwise the statement leaves these columns out.</param>
    string Text(bool keyed, bool rare);

    /// <summary>
    /// The statements of <see cref="IBulkInsert.Checks"/>, for a database in which each statement is about one organization,
    /// <c>@one_org_id</c>. None of them reads tables of the directory and of organizations.
    /// </summary>
    IReadOnlyList<string> Checks(bool keyed, bool rare);

    /// <summary>The statements of <see cref="IBulkInsert.Inserts"/>, likewise.</summary>
    IReadOnlyList<string> Inserts(bool keyed, bool rare);
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

/// <summary>Inserts many rows with the statement of a slice. The transaction has locked the logs of their organizations.</summary>
/// <param name="sql">The statement.</param>
/// <param name="route">The route that the Idempotency-Keys are stored under.</param>
/// <param name="settings">The retention of Idempotency-Keys.</param>
/// <param name="time">The clock.</param>
internal sealed class BulkInsert<T>(IBulkInsertSql<T> sql, string route, IngestSettings settings, TimeProvider time)
    : IBulkInsert
    where T : IWrite
{
    private readonly Statements _statements = new(sql, (keyed, rare) => [sql.Text(keyed, rare)]);
    private readonly Statements _checks = new(sql, sql.Checks);
    private readonly Statements _inserts = new(sql, sql.Inserts);

    public int Order => sql.Order;

    public NpgsqlBatchCommand Command(IReadOnlyList<IWrite> writes) => Commands(_statements, writes, [])[0];

    public IReadOnlyList<NpgsqlBatchCommand> Checks(IReadOnlyList<IWrite> writes) => Commands(_checks, writes, []);

    public IReadOnlyList<NpgsqlBatchCommand> Inserts(IReadOnlyList<IWrite> writes, long[] seqs) => Commands(_inserts, writes, seqs);

    private NpgsqlBatchCommand[] Commands(Statements statements, IReadOnlyList<IWrite> writes, long[] seqs)
    {
        var typed = writes.Cast<T>().ToArray();
        var now = time.GetUtcNow();
        var rows = new Rows(typed, seqs, route, now, now - settings.KeyRetention);
        return Array.ConvertAll(
            statements.For(typed.Any(write => write.IdempotencyKey is not null), typed.Any(sql.HasRareColumns)),
            statement =>
            {
                var command = new NpgsqlBatchCommand(statement.Text);
                foreach (var parameter in statement.Parameters)
                    command.Parameters.Add(parameter(rows));
                return command;
            });
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
        "seq" => rows => ArrayParameter.Of(NpgsqlDbType.Bigint, rows.Seqs),
        "one_org_id" => rows => new NpgsqlParameter<Guid> { TypedValue = rows.Writes[0].OrgId, NpgsqlDbType = NpgsqlDbType.Uuid },
        "parent_id" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Writes.Select(write => write.Parent.Id).ToArray()),
        "parent_org_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Parents.Keys.ConvertAll(key => key.OrgId).ToArray()),
        "parent_ids" => rows => ArrayParameter.Of(NpgsqlDbType.Uuid, rows.Parents.Keys.ConvertAll(key => key.Id).ToArray()),
        "parent_no" => rows => ArrayParameter.Of(NpgsqlDbType.Integer, rows.Parents.Numbers),
        "key" => rows => ArrayParameter.Of(NpgsqlDbType.Text, rows.Writes.Select(write => write.IdempotencyKey?.Key).ToArray()),
        "body_sha256" => rows =>
            ArrayParameter.Of(NpgsqlDbType.Bytea, rows.Writes.Select(write => write.IdempotencyKey?.BodyHash.Stored).ToArray()),
        "route" => rows => new NpgsqlParameter<string> { TypedValue = rows.Route, NpgsqlDbType = NpgsqlDbType.Text },
        "now" => rows => Instant(rows.Now),
        "forgotten" => rows => Instant(rows.Forgotten),
        _ => Of(columns[name]),
    };

    private static Func<Rows, NpgsqlParameter> Of(Func<IReadOnlyList<T>, NpgsqlParameter> column) => rows => column(rows.Writes);

    private static NpgsqlParameter<DateTime> Instant(DateTimeOffset value) =>
        new NpgsqlParameter<DateTime> { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    /// <summary>The statements for rows with and without Idempotency-Keys and rare columns.</summary>
    private sealed class Statements(IBulkInsertSql<T> sql, Func<bool, bool, IReadOnlyList<string>> texts)
    {
        private readonly Dictionary<(bool, bool), Statement[]> _statements = (
            from keyed in new[] { false, true }
            from rare in new[] { false, true }
            select (keyed, rare)).ToDictionary(
                each => each, each => texts(each.keyed, each.rare).Select(text => Number(text, sql.Columns)).ToArray());

        public Statement[] For(bool keyed, bool rare) => _statements[(keyed, rare)];
    }

    private sealed record Statement(string Text, Func<Rows, NpgsqlParameter>[] Parameters);

    private sealed record Rows(IReadOnlyList<T> Writes, long[] Seqs, string Route, DateTimeOffset Now, DateTimeOffset Forgotten)
    {
        /// <summary>Each parent once; and for every row the number of its parent among these, counted from 1.</summary>
        public (List<ParentKey> Keys, int[] Numbers) Parents { get; } = NumberParents(Writes);

        private static (List<ParentKey>, int[]) NumberParents(IReadOnlyList<T> writes)
        {
            var (keys, rowNumbers) = (new List<ParentKey>(), new int[writes.Count]);
            var numbers = new Dictionary<ParentKey, int>(writes.Count);
            for (var i = 0; i < writes.Count; i++)
            {
                if (!numbers.TryGetValue(writes[i].Parent, out rowNumbers[i]))
                {
                    keys.Add(writes[i].Parent);
                    numbers.Add(writes[i].Parent, rowNumbers[i] = keys.Count);
                }
            }
            return (keys, rowNumbers);
        }
    }
}

/// <summary>The parts of a bulk insert that are about the logs of the organizations, which <see cref="WriteTransaction"/> locks.</summary>
internal static class BulkInsertLog
{
    /// <summary>The setting of the transaction that has the organizations whose logs are locked. Rows of others are not inserted.</summary>
    public const string LockedSetting = "chatlogger.locked";

    /// <summary>These organizations, as an array.</summary>
    public const string Locked = $"(select current_setting('{LockedSetting}')::uuid[])::uuid[]";

    /// <summary>An array of numbers of the log, one for each row.</summary>
    public const string Numbers = "array(select nextval('organization_log_seq') from generate_series(1, cardinality(@id)))";
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
