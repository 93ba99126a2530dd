using System.Collections.Concurrent;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.ChangeFeed;

/// <summary>
/// The log of each organization: everything that happens to its chats has a number. A transaction locks the log before it draws numbers,
/// and holds it until it ends. So the numbers of an organization are committed in their order, and a reader that sees a number sees every
/// change with a smaller one, or it was rolled back. Locks are taken in this order: offsets of consumers, the log, chats.
/// </summary>
/// <remarks>
/// It also records which organizations this instance wrote to, so that consumers need not query all of them.
/// </remarks>
internal sealed class OrganizationLog(NpgsqlDataSource db)
{
    /// <summary>
    /// The greatest number of an organization that a statement sees; null: it has none. <c>l.org_id</c> is the organization.
    /// </summary>
    public const string Head =
        """
        greatest(
            (select max(h.seq) from messages h where h.org_id = l.org_id),
            (select max(h.seq) from chats h where h.org_id = l.org_id),
            (select max(h.text_seq) from chats h where h.org_id = l.org_id),
            (select max(h.seq) from feedback h where h.org_id = l.org_id),
            (select max(h.until_seq) from feedback_replaced h where h.org_id = l.org_id),
            (select max(h.seq) from organization_events h where h.org_id = l.org_id))
        """;

    /// <summary>Draws <c>@Numbers</c> numbers, in ascending order. To be run after the log is locked.</summary>
    public const string Draw = "select nextval('organization_log_seq') as seq from generate_series(1, @Numbers) order by seq";

    private readonly ConcurrentDictionary<Guid, long> _recorded = [];
    private long _entries;

    /// <summary>
    /// Organizations that may have unconsumed changes, each with a number that grows with every call of <see cref="Record"/>.
    /// </summary>
    public IReadOnlyDictionary<Guid, long> Recorded => _recorded;

    /// <summary>Records that a change in an organization is committed, or may be.</summary>
    public void Record(Guid orgId) => _recorded[orgId] = Interlocked.Increment(ref _entries);

    /// <summary>
    /// Locks the log of an organization until the transaction ends, records the organization after the commit, and draws numbers, in
    /// ascending order. What a statement reads after this is up to date: whatever is written under the lock before is committed.
    /// </summary>
    /// <exception cref="ProblemException">404: the organization is deleted.</exception>
    public async Task<long[]> Lock(Sql.Transaction transaction, Guid orgId, int numbers = 1)
    {
        var organization = new { OrgId = orgId };
        while (true)
        {
            // If the connection is lost and the server does not notice, the lock must not outlast the requests that wait for it.
            var locked = await transaction.QueryAsync<Guid>(
                """
                select org_id, set_config('idle_in_transaction_session_timeout', '2000', true)
                from organization_log
                where org_id = @OrgId
                  and closed_at is null
                for no key update
                """,
                organization);
            if (locked.Count > 0)
                break;
            if (!await Ensure(orgId, transaction.Ct))
                throw ProblemException.NotFound("This organization is deleted.");
        }
        transaction.AfterCommit(() => Record(orgId));
        return [.. await transaction.QueryAsync<long>(Draw, new { Numbers = numbers })];
    }

    /// <summary>
    /// Creates the log of an organization unless it exists. It is created with the organization; if the service was killed in between, by
    /// the first write. False: the organization is deleted, or its log is closed.
    /// </summary>
    public async Task<bool> Ensure(Guid orgId, CancellationToken ct)
    {
        var organization = new { OrgId = orgId };
        if (!await db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from organizations where id = @OrgId and deleted_at is null)", organization, ct))
            return false;
        await db.ExecuteAsync("insert into organization_log (org_id) values (@OrgId) on conflict (org_id) do nothing", organization, ct);
        return await db.ReadSingleOrDefaultAsync<bool>(
            "select closed_at is null from organization_log where org_id = @OrgId", organization, ct);
    }

    /// <summary>Closes the log of a deleted organization: when this returns, nothing is written to it any more.</summary>
    public Task Close(Guid orgId, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            insert into organization_log as l (org_id, closed_at)
            values (@OrgId, now())
            on conflict (org_id) do update
            set closed_at = excluded.closed_at
            where l.closed_at is null
            """,
            new { OrgId = orgId },
            ct);

    /// <summary>The greatest number of an organization that is committed; 0: it has none.</summary>
    public Task<long> HeadOf(Guid orgId, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<long>(
            $"select coalesce({Head}, 0) from organization_log l where l.org_id = @OrgId", new { OrgId = orgId }, ct);

    /// <summary>The same, as the transaction sees it.</summary>
    public static Task<long> HeadOf(Sql.Transaction transaction, Guid orgId) =>
        transaction.QuerySingleOrDefaultAsync<long>(
            $"select coalesce({Head}, 0) from organization_log l where l.org_id = @OrgId", new { OrgId = orgId });

    /// <summary>The last number that was drawn, of all organizations.</summary>
    public Task<long> LastDrawn(CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<long>(
            "select case when is_called then last_value else last_value - 1 end from organization_log_seq", new { }, ct);
}
