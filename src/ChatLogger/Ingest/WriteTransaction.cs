using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes rows of many kinds and organizations in one transaction of two round trips: the first locks the logs of the organizations, in
/// the order of their ids, and draws the numbers; the second inserts the rows and commits. What the inserts read, they read under the
/// locks, so it is up to date.
/// </summary>
internal sealed class WriteTransaction(NpgsqlDataSource db, IngestSettings settings, OrganizationLog organizationLog) : IWriteTransaction
{
    /// <summary>
    /// The client-side timeout. The server's shorter statement_timeout applies first; this one is for a server that does not answer at all.
    /// </summary>
    internal static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private const string Lock =
        """
        select org_id
        from organization_log
        where org_id = any($1)
          and closed_at is null
        order by org_id
        for no key update
        """;

    private const string Draw = "select nextval('organization_log_seq') as seq from generate_series(1, $1) order by seq";

    public async Task<WriteStatus[]> Run(IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait)
    {
        var organizations = writes.Select(each => each.Write.OrgId).Distinct().ToArray();
        using var timeout = new CancellationTokenSource(Timeout);
        WriteStatus[]? statuses;
        try
        {
            statuses = await DatabaseWork.Run(
                db,
                (connection, ct) => Sql.Prepared(connection, (connection, ct) => Run(connection, organizations, writes, wait, ct), ct),
                timeout.Token);
            if (wait && statuses is not null && Array.IndexOf(statuses, WriteStatus.Locked) >= 0)
                await OpenLogs(writes, statuses, timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            // The waiting callers have been told, and the next batch gets another connection.
            throw new TimeoutException("The database did not answer a write in time.");
        }
        foreach (var orgId in organizations)
            organizationLog.Record(orgId);
        return statuses ?? [.. writes.Select(_ => WriteStatus.Locked)];
    }

    // Null: the logs could not be locked in time.
    private async Task<WriteStatus[]?> Run(
        NpgsqlConnection connection, Guid[] organizations, IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait,
        CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        HashSet<Guid> locked;
        List<long> numbers;
        try
        {
            (locked, numbers) = await LockAndDraw(connection, organizations, writes.Count, wait, ct);
        }
        catch (PostgresException timeout) when (timeout.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return null;
        }
        var statuses = new WriteStatus[writes.Count];
        var places = new Dictionary<IBulkInsert, List<int>>();
        for (var i = 0; i < writes.Count; i++)
        {
            if (!locked.Contains(writes[i].Write.OrgId))
                statuses[i] = WriteStatus.Locked;
            else if (places.TryGetValue(writes[i].Insert, out var rows))
                rows.Add(i);
            else
                places.Add(writes[i].Insert, [i]);
        }
        if (places.Count > 0)
            await Insert(connection, [.. places.OrderBy(kind => kind.Key.Order)], writes, numbers, statuses, ct);
        return statuses;
    }

    private async Task<(HashSet<Guid> Locked, List<long> Numbers)> LockAndDraw(
        NpgsqlConnection connection, Guid[] organizations, int rows, bool wait, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (settings.SessionSetupSql is { } setup)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(setup));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(wait ? Lock : Lock + " skip locked")
        {
            Parameters = { ArrayParameter.Of(NpgsqlDbType.Uuid, organizations) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Draw)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = rows, NpgsqlDbType = NpgsqlDbType.Integer } },
        });
        await using var reader = await batch.ExecuteReaderAsync(ct);
        if (settings.SessionSetupSql is not null)
            await reader.NextResultAsync(ct);
        var (locked, numbers) = (new HashSet<Guid>(organizations.Length), new List<long>(rows));
        while (await reader.ReadAsync(ct))
            locked.Add(reader.GetGuid(0));
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
            numbers.Add(reader.GetInt64(0));
        return (locked, numbers);
    }

    private static async Task Insert(
        NpgsqlConnection connection, IReadOnlyList<KeyValuePair<IBulkInsert, List<int>>> kinds,
        IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, List<long> numbers, WriteStatus[] statuses, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var (insert, rows) in kinds)
            batch.BatchCommands.Add(insert.Command(rows.ConvertAll(i => writes[i].Write), [.. rows.Select(i => numbers[i])]));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        foreach (var (_, rows) in kinds)
        {
            while (await reader.ReadAsync(ct))
                statuses[rows[reader.GetInt32(1) - 1]] = Enum.Parse<WriteStatus>(reader.GetString(0));
            await reader.NextResultAsync(ct);
        }
    }

    // Without a lock to wait for, these organizations have no log: the service was killed while one was created, or it is deleted.
    private async Task OpenLogs(IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, WriteStatus[] statuses, CancellationToken ct)
    {
        var missing = writes.Where((_, i) => statuses[i] == WriteStatus.Locked).Select(each => each.Write.OrgId).Distinct().ToList();
        foreach (var orgId in missing)
        {
            if (await organizationLog.Ensure(orgId, ct))
                continue;
            for (var i = 0; i < writes.Count; i++)
            {
                if (writes[i].Write.OrgId == orgId)
                    statuses[i] = WriteStatus.NotFound;
            }
        }
    }
}
