using ChatLogger.Data;
using Dapper;

namespace ChatLogger.SearchIndex;

/// <summary>What a batch reads and writes.</summary>
internal sealed partial class SearchIndexer
{
    // The number of the last change that fits into a batch.
    private async Task<long> LastOfBatch(Sql.Transaction transaction, Guid orgId, long seq, long head) =>
        await transaction.QuerySingleOrDefaultAsync<long?>(
            """
            select seq
            from (
                (select seq from messages where org_id = @OrgId and seq > @Seq and seq <= @Head order by seq limit @BatchRows)
                union all
                (select seq from chats where org_id = @OrgId and seq > @Seq and seq <= @Head order by seq limit @BatchRows)
                union all
                (select text_seq from chats where org_id = @OrgId and text_seq > @Seq and text_seq <= @Head order by text_seq
                 limit @BatchRows)
            ) change
            order by seq
            offset @BatchRows - 1
            limit 1
            """,
            new { OrgId = orgId, Seq = seq, Head = head, settings.BatchRows }) ?? head;

    // Returns the number up to which everything is read. Streams the rows, because all of them together may be large.
    private static async Task<long> ReadMessages(Sql.Transaction transaction, IndexBatch batch, Guid orgId, long seq, long last)
    {
        await using var reader = await transaction.Connection.ExecuteReaderAsync(new CommandDefinition(
            $"""
            select m.chat_id, m.seq, {DocumentReader.MessageColumns}
            from messages m
            where m.org_id = @OrgId
              and m.seq > @Seq
              and m.seq <= @Last
            order by m.seq
            """,
            new { OrgId = orgId, Seq = seq, Last = last },
            transaction.Inner,
            cancellationToken: transaction.Ct));
        while (await reader.ReadAsync(transaction.Ct))
        {
            batch.AddMessage(reader);
            if (batch.IsFull)
                return reader.GetInt64(1);
        }
        return last;
    }

    private static async Task ReadChats(Sql.Transaction transaction, IndexBatch batch, Guid orgId, long seq, long last)
    {
        await using var reader = await transaction.Connection.ExecuteReaderAsync(new CommandDefinition(
            $"""
            select c.id, c.text_seq is not null and c.text_seq <= @Last, {DocumentReader.ChatColumns}
            from chats c
            where c.org_id = @OrgId
              and c.seq > @Seq
              and c.seq <= @Last
            union all
            select c.id, true, {DocumentReader.ChatColumns}
            from chats c
            where c.org_id = @OrgId
              and c.text_seq > @Seq
              and c.text_seq <= @Last
              and c.seq <= @Seq
            """,
            new { OrgId = orgId, Seq = seq, Last = last },
            transaction.Inner,
            cancellationToken: transaction.Ct));
        while (await reader.ReadAsync(transaction.Ct))
            batch.AddChat(reader);
    }

    // Removes the rows of the chats' own texts, and those with a message that has been deleted, whose other messages are read again.
    // Returns the tokens of these rows, whose words may not be in the index any more.
    private static async Task<HashSet<int>> RemoveChanged(Sql.Transaction transaction, IndexBatch batch, Guid orgId)
    {
        var rows = await transaction.QueryAsync<Changed>(
            """
            delete from search_index k
            where k.org_id = @OrgId
              and k.chat_id = any(@Chats)
              and (k.first_seq = 0
                or k.messages <> (
                    select count(*)
                    from messages m
                    where m.org_id = @OrgId and m.chat_id = k.chat_id and m.seq between k.first_seq and k.last_seq
                ))
            returning k.chat_id, k.first_seq, k.last_seq, k.tokens
            """,
            new { OrgId = orgId, Chats = batch.Changed.ToArray() });
        foreach (var row in rows.Where(row => row.FirstSeq > 0))
        {
            batch.EndRows();
            await using var reader = await transaction.Connection.ExecuteReaderAsync(new CommandDefinition(
                $"""
                select m.chat_id, m.seq, {DocumentReader.MessageColumns}
                from messages m
                where m.org_id = @OrgId
                  and m.chat_id = @ChatId
                  and m.seq between @FirstSeq and @LastSeq
                order by m.seq
                """,
                new { OrgId = orgId, row.ChatId, row.FirstSeq, row.LastSeq },
                transaction.Inner,
                cancellationToken: transaction.Ct));
            while (await reader.ReadAsync(transaction.Ct))
                batch.AddMessage(reader);
        }
        return [.. rows.SelectMany(row => row.Tokens)];
    }

    // The statement skips chats that have been deleted meanwhile.
    private static Task<int> Write(Sql.Transaction transaction, Guid orgId, List<IndexBatch.Row> rows)
    {
        var starts = new int[rows.Count];
        var ends = new int[rows.Count];
        var tokens = new int[rows.Sum(row => row.Tokens.Count)];
        for (var (i, at) = (0, 0); i < rows.Count; i++)
        {
            starts[i] = at + 1;
            rows[i].Tokens.CopyTo(tokens, at);
            Array.Sort(tokens, at, rows[i].Tokens.Count);
            ends[i] = at += rows[i].Tokens.Count;
        }
        return transaction.ExecuteAsync(
            $"""
            insert into search_index (org_id, chat_id, first_seq, last_seq, messages, created_at, tokens)
            select c.org_id, c.id, n.first_seq, n.last_seq, n.messages, c.created_at, (@Tokens)[n.start_at:n.end_at] || {TimeSpanToken.Sql}
            from unnest(@ChatIds, @Firsts, @Lasts, @Messages, @Starts, @Ends) as n(chat_id, first_seq, last_seq, messages, start_at, end_at)
            join chats c on c.org_id = @OrgId and c.id = n.chat_id
            where c.deleted_at is null
            """,
            new
            {
                OrgId = orgId,
                ChatIds = rows.Select(row => row.ChatId).ToArray(),
                Firsts = rows.Select(row => row.First).ToArray(),
                Lasts = rows.Select(row => row.Last).ToArray(),
                Messages = rows.Select(row => row.Messages).ToArray(),
                Starts = starts,
                Ends = ends,
                Tokens = tokens,
                Seed = (long)Tokenizer.Seed(orgId),
            });
    }

    private sealed record Changed(Guid ChatId, long FirstSeq, long LastSeq, int[] Tokens);
}
