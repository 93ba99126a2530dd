using System.Diagnostics;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using Dapper;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The consumer of the change feed that maintains the search index: it writes a row for each chat and batch, with the hashes of all tokens
/// in its messages. It runs asynchronously to the writers and throttles itself while they write. Searches scan the messages that are not
/// indexed yet.
/// </summary>
internal sealed class SearchIndexer(
    NpgsqlDataSource db,
    ChangeLog changeLog,
    SearchSettings settings,
    IngestActivity activity,
    TimeProvider time,
    ILogger<SearchIndexer> log
) : FeedConsumer(Name, db, changeLog, Following(settings), activity, time, log)
{
    public const string Name = "search";

    // Bounds the size of an index row, because a search reads the whole row and verifies all messages that it covers.
    private const int MaxMessages = 64, MaxTokens = 4_096;

    // Bounds the memory of one transaction.
    private const int MaxTokensPerStatement = 500_000;

    private long _last = -1;
    private long _since;

    protected override async Task<bool> FindPending(CancellationToken ct)
    {
        var last = await Feed.Last(ct);
        if (last - _last < settings.MinBatch && Stopwatch.GetElapsedTime(_since) < settings.MaxIndexDelay)
            return false;
        (_last, _since) = (last, Stopwatch.GetTimestamp());
        return true;
    }

    protected override async Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long committed)
    {
        var (chunks, reached) = await Read(transaction, orgId, seq, committed);
        if (chunks.Count > 0)
            await Write(transaction, orgId, chunks);
        return reached ?? committed;
    }

    // Reached is null if all changes have been read.
    private async Task<(List<Chunk> Chunks, long? Reached)> Read(Sql.Transaction transaction, Guid orgId, long seq, long committed)
    {
        var chunks = new List<Chunk>();
        var open = new Dictionary<Guid, Chunk>();
        var normalized = new NormalizedText();
        var (seed, rows, tokens) = (Tokenizer.Seed(orgId), 0, 0);
        // Streams the rows, because all of them together may be large.
        await using var reader = await transaction.Connection.ExecuteReaderAsync(new CommandDefinition(
            """
            select chat_id, seq, left(content, @SearchedCharacters)
            from messages
            where org_id = @OrgId
              and seq > @Seq
              and seq <= @Settled
            order by seq
            limit @BatchRows
            """,
            new { OrgId = orgId, Seq = seq, Settled = committed, settings.BatchRows, SearchQuery.SearchedCharacters },
            transaction.Inner,
            cancellationToken: transaction.Ct));
        while (await reader.ReadAsync(transaction.Ct))
        {
            var chatId = reader.GetGuid(0);
            seq = reader.GetInt64(1);
            if (!open.TryGetValue(chatId, out var chunk) || chunk.Messages == MaxMessages || chunk.Tokens.Count > MaxTokens)
                chunks.Add(open[chatId] = chunk = new(chatId, seq));
            var before = chunk.Tokens.Count;
            normalized.Read(reader.GetString(2));
            Tokenizer.AddTokens(normalized.Chars, seed, lone: false, chunk.Tokens);
            chunk.Messages++;
            chunk.Last = seq;
            rows++;
            tokens += chunk.Tokens.Count - before;
            if (tokens > MaxTokensPerStatement)
                return (chunks, seq);
        }
        return (chunks, rows < settings.BatchRows ? null : seq);
    }

    // The statement skips chats that have been deleted meanwhile.
    private static Task<int> Write(Sql.Transaction transaction, Guid orgId, List<Chunk> chunks)
    {
        var starts = new int[chunks.Count];
        var ends = new int[chunks.Count];
        var tokens = new int[chunks.Sum(chunk => chunk.Tokens.Count)];
        for (var (i, at) = (0, 0); i < chunks.Count; i++)
        {
            starts[i] = at + 1;
            chunks[i].Tokens.CopyTo(tokens, at);
            Array.Sort(tokens, at, chunks[i].Tokens.Count);
            ends[i] = at += chunks[i].Tokens.Count;
        }
        return transaction.ExecuteAsync(
            """
            insert into search_chunks (org_id, chat_id, first_seq, last_seq, created_at, tokens)
            select c.org_id, c.id, n.first_seq, n.last_seq, c.created_at, (@Tokens)[n.start_at:n.end_at]
            from unnest(@ChatIds, @Firsts, @Lasts, @Starts, @Ends) as n(chat_id, first_seq, last_seq, start_at, end_at)
            join chats c on c.org_id = @OrgId and c.id = n.chat_id
            where c.deleted_at is null
            """,
            new
            {
                OrgId = orgId,
                ChatIds = chunks.Select(chunk => chunk.ChatId).ToArray(),
                Firsts = chunks.Select(chunk => chunk.First).ToArray(),
                Lasts = chunks.Select(chunk => chunk.Last).ToArray(),
                Starts = starts,
                Ends = ends,
                Tokens = tokens,
            });
    }

    private static FeedSettings Following(SearchSettings settings) => new()
    {
        PollInterval = settings.PollInterval,
        CatchUpInterval = settings.CatchUpInterval,
        BatchRows = settings.BatchRows,
        YieldFactor = settings.YieldFactor,
        // The indexer always yields to writers, however far it lags: searches stay complete without the index.
        MaxBacklog = int.MaxValue,
    };

    private sealed class Chunk(Guid chatId, long first)
    {
        public Guid ChatId => chatId;

        public long First => first;

        public long Last { get; set; }

        public int Messages { get; set; }

        public HashSet<int> Tokens { get; } = [];
    }
}
