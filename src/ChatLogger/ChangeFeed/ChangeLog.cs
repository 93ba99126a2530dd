using System.Collections.Concurrent;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// What has arrived for good. Chats and messages are numbered from one sequence, each after its transaction has an id, and commit in any order; up to
/// the settled number nothing can turn up any more. Transactions that take long hold it back and never make it wrong. Also knows which organizations
/// this instance wrote to, so that followers need not ask the database about all of them.
/// </summary>
internal sealed class ChangeLog(NpgsqlDataSource db)
{
    private readonly ConcurrentDictionary<Guid, long> _recorded = [];
    private long _entries;

    /// <summary>Organizations that have, or may have, something new: each with a number that grows with every note.</summary>
    public IReadOnlyDictionary<Guid, long> Recorded => _recorded;

    /// <summary>Something in an organization is committed, or may be.</summary>
    public void Record(Guid orgId) => _recorded[orgId] = Interlocked.Increment(ref _entries);

    /// <summary>
    /// Moves the settled number on as far as it can be, and answers it: whatever arrived with a number up to it is there for statements that begin now,
    /// or never will be. Any instance may do so at any time.
    /// </summary>
    public async Task<long> Commit(CancellationToken ct)
    {
        await Move(ct);
        var last = await Last(ct);
        if (last <= await Committed(ct))
            return last;
        await Arm(last, ct);
        // Where nobody is writing, that is all.
        await Move(ct);
        return await Committed(ct);
    }

    // All transactions below the oldest one that is still at work are over.
    private Task<int> Move(CancellationToken ct) =>
        db.ExecuteAsync(
            """
            update arrivals
            set settled_seq = pending_seq, pending_seq = null, pending_xid = null
            where pending_xid <= pg_snapshot_xmin(pg_current_snapshot())
            """,
            new { },
            ct);

    /// <summary>The last number that was drawn.</summary>
    public Task<long> Last(CancellationToken ct) =>
        db.QuerySingleOrDefaultAsync<long>("select case when is_called then last_value else last_value - 1 end from messages_seq_seq", new { }, ct);

    private Task<long> Committed(CancellationToken ct) => db.QuerySingleOrDefaultAsync<long>("select settled_seq from arrivals", new { }, ct);

    // In a statement, and a transaction, that begin after the number was read: whoever drew it or one before has had a smaller id since. An id that
    // this server has not come to yet is from another one, of which this is a copy: waiting for it could take for ever.
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
