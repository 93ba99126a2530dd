using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Which chats the files of exports hold. It is recorded while a file is written, so that a file made before the deletion of one of its chats is not
/// served afterwards.
/// </summary>
internal sealed class ExportMembership([FromKeyedServices(Pools.Exports)] NpgsqlDataSource db)
{
    private const int BatchRows = 1_000;

    /// <summary>
    /// A condition on a row <c>exports e</c>: whether its file holds one of the chats that the expression <paramref name="chats"/> gives as an array.
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

    /// <summary>The chats of a file that is being written under a lease.</summary>
    public Recorder Record(ExportLease lease) => new(db, lease);

    /// <summary>
    /// Marks the files that hold chats which are being removed for good. In the transaction that removes them, for until then it is the chats
    /// themselves that tell: see <see cref="ExportQueue.Stored"/>.
    /// </summary>
    /// <remarks>
    /// A running export is marked first: if it is finished in between, the second statement finds it done. One that is claimed later takes its snapshot
    /// later, and does not see the chats.
    /// </remarks>
    public static async Task Removed(Sql.Transaction transaction, Guid orgId, Guid[] chats)
    {
        await transaction.ExecuteAsync(
            "update exports set removed_chats = removed_chats || @Chats where org_id = @OrgId and state = 'running'", new { OrgId = orgId, Chats = chats });
        await transaction.ExecuteAsync(
            $"""
            update exports e
            set outdated = true
            where e.org_id = @OrgId
              and e.state = 'done'
              and not e.outdated
              and {HoldsAnyOf("@Chats")}
            """,
            new { OrgId = orgId, Chats = chats });
    }

    /// <summary>Removes what was recorded for an export, but for what the lease with the fence <paramref name="keep"/> has recorded.</summary>
    public async Task Delete(Guid orgId, Guid exportId, long? keep, CancellationToken ct)
    {
        int deleted;
        do
        {
            deleted = await db.ExecuteAsync(
                """
                delete from export_chats
                where org_id = @OrgId
                  and export_id = @ExportId
                  and (fence, index) in (
                      select fence, index
                      from export_chats
                      where org_id = @OrgId
                        and export_id = @ExportId
                        and fence is distinct from @Keep
                      order by fence, index
                      limit @BatchRows
                  )
                """,
                new { OrgId = orgId, ExportId = exportId, Keep = keep, BatchRows },
                ct);
        }
        while (deleted == BatchRows);
    }

    internal sealed class Recorder(NpgsqlDataSource db, ExportLease lease)
    {
        private const int ChatsPerRow = 512;

        private readonly List<Guid> _chats = new(ChatsPerRow);
        private int _index;

        public void Add(Guid chatId) => _chats.Add(chatId);

        /// <summary>Stores what has come together; to be called between two blocks of the file, and with <paramref name="all"/> at its end.</summary>
        /// <exception cref="LeaseLost">The export is not this worker's any more.</exception>
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
