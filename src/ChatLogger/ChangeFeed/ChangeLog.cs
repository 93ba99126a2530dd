using System.Collections.Concurrent;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// The change log: chats and messages in the order of one sequence. Each draws its number after its transaction has an id, and the
/// transactions commit in any order, so a smaller number can become visible after a larger one. The committed number ("settled" in the
/// database) is the high watermark: up to it no further change can become visible. A long transaction delays the watermark but never makes
/// it wrong. The change log also records which organizations this instance wrote to, so that consumers need not query all of them.
/// </summary>
internal sealed class ChangeLog(NpgsqlDataSource db)
{
    private readonly ConcurrentDictionary<Guid, long> _recorded = [];
    private long _entries;

    /// <summary>
    /// Organizations that may have unconsumed changes, each with a number that grows with every call of <see cref="Record"/>.
    /// </summary>
    public IReadOnlyDictionary<Guid, long> Recorded => _recorded;

    /// <summary>Records that a change in an organization is committed, or may be.</summary>
    public void Record(Guid orgId) => _recorded[orgId] = Interlocked.Increment(ref _entries);

    /// <summary>
    /// Advances the committed number as far as possible and returns it. Every change with a number up to it is visible to statements that
    /// begin now, or was rolled back. Any instance may call this at any time.
    /// </summary>
    public async Task<long> Commit(CancellationToken ct)
    {
        await Move(ct);
        var last = await Last(ct);
        if (last <= await Committed(ct))
            return last;
        await Arm(last, ct);
        // If no transaction is writing, this already commits the last number.
        await Move(ct);
        return await Committed(ct);
    }

    // Every transaction with an id below that of the oldest running one has ended. Once the oldest running id has passed pending_xid,
    // nobody can commit a number up to pending_seq any more.
    private Task<int> Move(CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update arrivals
            set settled_seq = pending_seq, pending_seq = null, pending_xid = null
            where pending_xid <= pg_snapshot_xmin(pg_current_snapshot())
            """,
            new { },
            ct);

    /// <summary>The last number that was drawn from the sequence.</summary>
    public Task<long> Last(CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<long>(
            "select case when is_called then last_value else last_value - 1 end from messages_seq_seq",
            new { },
            ct);

    private Task<long> Committed(CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<long>("select settled_seq from arrivals", new { }, ct);

    // Takes a transaction id as the barrier for the number. This statement and its transaction begin after the number was read, so every
    // transaction that drew this number or a smaller one already had a smaller id. A pending id that this server has not assigned yet comes
    // from another server, of which this database is a restored copy: waiting for it could take forever, so it is replaced.
    private Task<int> Arm(long last, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update arrivals
            set pending_seq = @Last, pending_xid = pg_current_xact_id()
            where settled_seq < @Last
              and (pending_seq is null or pending_xid >= pg_snapshot_xmax(pg_current_snapshot()))
            """,
            new { Last = last },
            ct);
}
