namespace ChatLogger.Tests.Support;

/// <summary>Counts what PostgreSQL has read, which shows whether a statement used the index that it is meant to use.</summary>
internal static class ReadRows
{
    /// <summary>
    /// The entries of indexes and rows read so far of tables whose names match a regular expression as a whole, shards included. Ends all
    /// sessions, because a session reports only now and then what it has read.
    /// </summary>
    public static async Task<long> RowsRead(this App app, string tables = ".*")
    {
        await app.EndSessions();
        return await app.OnNodes(
            $"""
            select ((select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where relname ~ '^{tables}(_[0-9]+)?$')
                + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes where relname ~ '^{tables}(_[0-9]+)?$'))::bigint
            """);
    }
}
