using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes rows of many kinds and organizations in one transaction of one round trip: a statement locks the logs of the organizations, in
/// the order of their ids, those after it insert the rows, of the organizations that it could lock, and commit. Each draws its numbers and
/// reads under the locks, in a snapshot of its own, so what it reads is up to date.
/// </summary>
internal sealed class WriteTransaction(NpgsqlDataSource db, IngestSettings settings, OrganizationLog organizationLog) : IWriteTransaction
{
    /// <summary>
    /// The client-side timeout. The server's shorter statement_timeout applies first; this one is for a server that does not answer at all.
    /// </summary>
    internal static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private const string EmptyArray = "{}";

    /// <summary>Waits for the locks of the logs.</summary>
    internal static readonly string Lock = LockText("");

    /// <summary>Locks those logs that no other transaction has locked.</summary>
    internal static readonly string LockFree = LockText(" skip locked");

    // Materialized: the answer and the setting must be of the same locks, and of a subquery that both read the planner may make two.
    private static string LockText(string ifLocked) =>
        $"""
        with locked as materialized (
            select org_id
            from organization_log
            where org_id = any($1)
              and closed_at is null
            order by org_id
            for no key update{ifLocked}
        )
        select coalesce(array_agg(org_id), '{EmptyArray}'),
               set_config('{BulkInsertLog.LockedSetting}', coalesce(array_agg(org_id)::text, '{EmptyArray}'), true)
        from locked
        """;

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
        var kinds = Enumerable.Range(0, writes.Count)
            .GroupBy(i => writes[i].Insert)
            .OrderBy(kind => kind.Key.Order)
            .Select(kind => (Insert: kind.Key, Rows: kind.ToList()))
            .ToList();
        await using var batch = new NpgsqlBatch(connection);
        if (settings.SessionSetupSql is { } setup)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(setup));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(wait ? Lock : LockFree)
        {
            Parameters = { ArrayParameter.Of(NpgsqlDbType.Uuid, organizations) },
        });
        foreach (var (insert, rows) in kinds)
            batch.BatchCommands.Add(insert.Command(rows.ConvertAll(i => writes[i].Write)));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        var isLocked = false;
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(ct);
            if (settings.SessionSetupSql is not null)
                await reader.NextResultAsync(ct);
            isLocked = await reader.ReadAsync(ct);
            return await Read(reader, organizations.Length, kinds, writes, ct);
        }
        catch (PostgresException timeout) when (!isLocked && timeout.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return null;
        }
    }

    private static async Task<WriteStatus[]> Read(
        NpgsqlDataReader reader, int organizations, List<(IBulkInsert Insert, List<int> Rows)> kinds,
        IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, CancellationToken ct)
    {
        var statuses = new WriteStatus[writes.Count];
        var locked = reader.GetFieldValue<Guid[]>(0);
        await reader.NextResultAsync(ct);
        foreach (var (_, rows) in kinds)
        {
            while (await reader.ReadAsync(ct))
                statuses[rows[reader.GetInt32(1) - 1]] = Enum.Parse<WriteStatus>(reader.GetString(0));
            await reader.NextResultAsync(ct);
        }
        if (locked.Length < organizations)
        {
            for (var i = 0; i < writes.Count; i++)
            {
                if (!locked.Contains(writes[i].Write.OrgId))
                    statuses[i] = WriteStatus.Locked;
            }
        }
        return statuses;
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
