using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Deletes what is stored about the files of an export: their chunks, and the chats that they contain. Both tables have the same key.
/// </summary>
internal static class ExportRows
{
    public const string Chunks = "export_chunks";
    public const string Chats = "export_chats";

    /// <summary>
    /// Deletes the rows of an export, except those of the lease with the fence <paramref name="keep"/>. They are neither read nor added to
    /// any more. Deleting them in small batches only keeps each statement short.
    /// </summary>
    public static async Task Delete(
        NpgsqlDataSource db, string table, int batchRows, Guid orgId, Guid exportId, long? keep, CancellationToken ct)
    {
        int deleted;
        do
        {
            deleted = await db.ExecuteAsync(
                $"""
                delete from {table}
                where org_id = @OrgId
                  and export_id = @ExportId
                  and ctid = any(array(
                      select ctid
                      from {table}
                      where org_id = @OrgId
                        and export_id = @ExportId
                        and fence is distinct from @Keep
                      order by fence, index
                      limit @BatchRows
                  ))
                """,
                new { OrgId = orgId, ExportId = exportId, Keep = keep, BatchRows = batchRows },
                ct);
        }
        while (deleted == batchRows);
    }
}
