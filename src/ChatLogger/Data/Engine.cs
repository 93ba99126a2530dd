using ChatLogger.Configuration;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>What the database runs on: one PostgreSQL server, or a Citus cluster over which the organizations are distributed.</summary>
/// <param name="IsDistributed">
/// Whether tenant tables are distributed. Each statement on them then names one organization, so it runs as a whole on the node that has
/// it; a transaction on them concerns one organization, and no table of the directory, which is on the coordinator.
/// </param>
internal sealed record Engine(bool IsDistributed)
{
    /// <summary>Precedes <c>set local</c> where a limit must hold on the worker too.</summary>
    public const string Propagate = "set local citus.propagate_set_commands to 'local'";

    /// <summary>Finds out what the database runs on.</summary>
    /// <exception cref="StartupException">A node of the cluster would confirm what it may lose.</exception>
    public static async Task<Engine> Find(NpgsqlDataSource db, string? schema, CancellationToken ct)
    {
        if (!await db.ReadSingleOrDefaultAsync<bool>("select to_regclass('pg_catalog.pg_dist_partition') is not null", new { }, ct))
            return new(false);
        if (!await db.ReadSingleOrDefaultAsync<bool>(
            "select exists (select from pg_dist_partition where logicalrelid = to_regclass(@Table))",
            new { Table = schema is null ? "chats" : $"{schema}.chats" },
            ct))
            return new(false);
        // What a session sets at its start does not reach the workers.
        var unsafeNodes = await db.ReadAsync<string>(
            """
            select nodename || ':' || nodeport || ' (' || result || ')'
            from run_command_on_all_nodes('show synchronous_commit')
            join pg_dist_node using (nodeid)
            where result not in ('on', 'remote_apply')
            order by 1
            """,
            new { },
            ct);
        if (unsafeNodes.Count > 0)
            throw new StartupException(
                "synchronous_commit must be on or remote_apply on each node of the cluster, or what is confirmed could be lost. "
                    + $"It is not on {string.Join(", ", unsafeNodes)}.");
        return new(true);
    }

    /// <summary>
    /// Whether the coordinator has lost its connection to a worker: what it was doing there is done or not, as when our own connection
    /// breaks. The other cases are a worker that is lost while it commits, and a coordinator that ends while it waits for one.
    /// </summary>
    public static bool HasLostNode(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.ConnectionFailure => true,
        PostgresErrorCodes.InternalError =>
            refused.MessageText.StartsWith("could not commit transaction for shard", StringComparison.Ordinal)
            || refused.MessageText.StartsWith("postmaster was shut down", StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>
    /// The name of a constraint as the schema gives it, without the number of the shard that refused. Of a refusal on another node Citus
    /// tells only the sentence.
    /// </summary>
    public static string? Constraint(PostgresException refused)
    {
        var name = refused.ConstraintName ?? (refused.MessageText.Split('"') is [_, .., var last, _] ? last : null);
        var digits = name?.Length - name?.TrimEnd("0123456789".ToCharArray()).Length;
        return name is not null && digits >= 6 && name[^(digits.Value + 1)] == '_' ? name[..^(digits.Value + 1)] : name;
    }
}
