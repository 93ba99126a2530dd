using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Ingest;

/// <summary>
/// Writes rows of one organization in one transaction, where organizations are distributed over nodes: statements that name the
/// organization and run on its shard. The first round trip locks the log, draws the numbers on the coordinator and finds the rows that may
/// not be written; the last one inserts the others and commits.
/// </summary>
internal sealed class DistributedWriteTransaction(NpgsqlDataSource db, DatabaseSettings settings, OrganizationLog organizationLog)
    : IWriteTransaction
{
    private const string Lock = "select org_id from organization_log where org_id = $1 and closed_at is null for no key update";

    private const string Draw = "select nextval('organization_log_seq') as seq from generate_series(1, $1) order by seq";

    private readonly IReadOnlyList<string> _setup = settings.DistributedWritingSetup;

    public bool IsOfOneOrganization => true;

    public async Task<WriteStatus[]> Run(IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait)
    {
        var orgId = writes[0].Write.OrgId;
        using var timeout = new CancellationTokenSource(WriteTransaction.Timeout);
        WriteStatus[]? statuses;
        try
        {
            statuses = await DatabaseWork.Run(
                db,
                (connection, ct) => Sql.Prepared(connection, (connection, ct) => Run(connection, orgId, writes, wait, ct), ct),
                timeout.Token);
            // Without a lock to wait for, the organization has no log: the service was killed while one was created, or it is deleted.
            if (wait && statuses?[0] == WriteStatus.Locked && !await organizationLog.Ensure(orgId, timeout.Token))
                Array.Fill(statuses, WriteStatus.NotFound);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            // The waiting callers have been told, and the next batch gets another connection.
            throw new TimeoutException("The database did not answer a write in time.");
        }
        organizationLog.Record(orgId);
        return statuses ?? [.. writes.Select(_ => WriteStatus.Locked)];
    }

    // Null: the log could not be locked in time.
    private async Task<WriteStatus[]?> Run(
        NpgsqlConnection connection, Guid orgId, IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var kinds = Enumerable.Range(0, writes.Count).GroupBy(i => writes[i].Insert).OrderBy(kind => kind.Key.Order).ToList();
        var statuses = new WriteStatus[writes.Count];
        var numbers = new List<long>(writes.Count);
        IReadOnlyList<NpgsqlBatchCommand> inserts = [];
        foreach (var (place, kind) in kinds.Index())
        {
            var rows = kind.ToList();
            await using var batch = new NpgsqlBatch(connection);
            if (place == 0)
                AddLock(batch, orgId, writes.Count, wait);
            Add(batch, inserts);
            Add(batch, kind.Key.Checks(rows.ConvertAll(i => writes[i].Write)));
            try
            {
                await using var reader = await batch.ExecuteReaderAsync(ct);
                if (place == 0 && !await ReadLock(reader, numbers, ct))
                {
                    Array.Fill(statuses, WriteStatus.Locked);
                    return statuses;
                }
                await ReadChecks(reader, rows, statuses, ct);
            }
            catch (PostgresException timeout) when (place == 0 && timeout.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                return null;
            }
            rows.RemoveAll(i => statuses[i] != WriteStatus.Written);
            inserts = rows.Count == 0 ? [] : kind.Key.Inserts(rows.ConvertAll(i => writes[i].Write), [.. rows.Select(i => numbers[i])]);
        }
        await using var last = new NpgsqlBatch(connection);
        Add(last, inserts);
        last.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await last.ExecuteNonQueryAsync(ct);
        return statuses;
    }

    private void AddLock(NpgsqlBatch batch, Guid orgId, int rows, bool wait)
    {
        foreach (var statement in _setup)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(wait ? Lock : Lock + " skip locked")
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = orgId, NpgsqlDbType = NpgsqlDbType.Uuid } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Draw)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = rows, NpgsqlDbType = NpgsqlDbType.Integer } },
        });
    }

    private static void Add(NpgsqlBatch batch, IReadOnlyList<NpgsqlBatchCommand> commands)
    {
        foreach (var command in commands)
            batch.BatchCommands.Add(command);
    }

    // Statements without rows have no result here.
    private static async Task<bool> ReadLock(NpgsqlDataReader reader, List<long> numbers, CancellationToken ct)
    {
        if (!await reader.ReadAsync(ct))
            return false;
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
            numbers.Add(reader.GetInt64(0));
        await reader.NextResultAsync(ct);
        return true;
    }

    private static async Task ReadChecks(NpgsqlDataReader reader, List<int> rows, WriteStatus[] statuses, CancellationToken ct)
    {
        do
        {
            while (await reader.ReadAsync(ct))
            {
                var row = rows[reader.GetInt32(1) - 1];
                if (statuses[row] == WriteStatus.Written)
                    statuses[row] = Enum.Parse<WriteStatus>(reader.GetString(0));
            }
        }
        while (await reader.NextResultAsync(ct));
    }
}
