using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Records which chats the file of an export contains while the file is written, so that the service does not serve a file after one of its
/// chats has been deleted.
/// </summary>
internal sealed class ExportMembership([FromKeyedServices(Pools.Exports)] NpgsqlDataSource db)
{
    private const int BatchRows = 1_000;

    /// <summary>
    /// An SQL condition on a row <c>exports e</c>: whether its file contains one of the chats in <paramref name="chats"/>, an SQL
    /// expression of an array.
    /// </summary>
    public static string HoldsAnyOf(string chats) =>
        $"""
        exists (
            select
            from export_chats held
            cross join unnest({chats}) as gone (id)
            where held.org_id = e.org_id
              and held.export_id = e.id
              and held.fence = e.fence
              and gone.id between held.first_id and held.last_id
              and gone.id = any(held.chat_ids)
        )
        """;

    /// <summary>Returns a recorder for the chats of the file that is written under a lease.</summary>
    public Recorder Record(ExportLease lease) => new(db, lease);

    /// <summary>
    /// Marks the files that contain chats which are being purged. It must run in the transaction that purges them: until it commits, the
    /// deletion mark on the chats themselves makes the file outdated, see <see cref="ExportQueue.Stored"/>.
    /// </summary>
    /// <remarks>
    /// The first statement marks running exports, the second finished ones: an export that finishes in between is found by the second one.
    /// An export that is claimed later takes its snapshot later and does not see the deleted chats. Returns both: those that are outdated
    /// now, and those that may be when they are done.
    /// </remarks>
    public static async Task<IReadOnlyList<Guid>> Removed(Sql.Transaction transaction, Guid orgId, Guid[] chats)
    {
        var running = await transaction.QueryAsync<Guid>(
            "update exports set removed_chats = removed_chats || @Chats where org_id = @OrgId and state = 'running' returning id",
            new { OrgId = orgId, Chats = chats });
        var done = await transaction.QueryAsync<Guid>(
            $"""
            update exports e
            set outdated = true
            where e.org_id = @OrgId
              and e.state = 'done'
              and not e.outdated
              and {HoldsAnyOf("@Chats")}
            returning e.id
            """,
            new { OrgId = orgId, Chats = chats });
        return [.. running, .. done];
    }

    /// <summary>Deletes the records of an export, except those of the lease with the fence <paramref name="keep"/>.</summary>
    public Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct) =>
        ExportRows.Delete(db, ExportRows.Chats, BatchRows, orgId, exportId, keep, ct);

    internal sealed class Recorder(NpgsqlDataSource db, ExportLease lease)
    {
        private const int ChatsPerRow = 512;

        private readonly List<Guid> _chats = new(ChatsPerRow);
        private int _index;

        public void Add(Guid chatId) => _chats.Add(chatId);

        /// <summary>
        /// Stores the buffered chats once there are enough of them, or with <paramref name="all"/> in any case. Call it between two blocks
        /// of the file, and with <paramref name="all"/> at its end.
        /// </summary>
        /// <exception cref="LeaseLost">This worker no longer holds the lease.</exception>
        public async ValueTask Store(bool all, CancellationToken ct)
        {
            foreach (var row in _chats.Chunk(ChatsPerRow).Where(row => all || row.Length == ChatsPerRow))
                await Store(row, ct);
            _chats.RemoveRange(0, all ? _chats.Count : _chats.Count - (_chats.Count % ChatsPerRow));
        }

        private async Task Store(Guid[] chats, CancellationToken ct)
        {
            var stored = await db.ExecuteAsync(
                """
                insert into export_chats (org_id, export_id, fence, index, first_id, last_id, chat_ids)
                select org_id, id, fence, @Index,
                       (select chat_id from unnest(@Chats) as held (chat_id) order by chat_id limit 1),
                       (select chat_id from unnest(@Chats) as held (chat_id) order by chat_id desc limit 1),
                       @Chats
                from exports
                where org_id = @OrgId
                  and id = @ExportId
                  and fence = @Fence
                  and state = 'running'
                for share
                """,
                new { lease.OrgId, lease.ExportId, lease.Fence, Index = _index, Chats = chats },
                ct);
            if (stored == 0)
                throw new LeaseLost();
            _index++;
        }
    }
}
