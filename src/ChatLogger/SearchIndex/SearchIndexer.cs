using System.Diagnostics;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The consumer of the change feed that maintains the search index: it writes a row for each chat and batch, with the hashes of all tokens
/// in its messages, and one for the texts of the chat itself. It runs asynchronously to the writers and throttles itself while they write.
/// Searches scan what is not indexed yet.
/// </summary>
internal sealed partial class SearchIndexer(
    NpgsqlDataSource db,
    OrganizationLog organizationLog,
    SearchSettings settings,
    IngestActivity activity,
    TimeProvider time,
    ILogger<SearchIndexer> log
) : FeedConsumer(Name, db, organizationLog, Following(settings), activity, time, log)
{
    public const string Name = "search_index";

    // Bounds the memory for known words.
    private const int MaxKnownWords = 500_000;

    private readonly Dictionary<Guid, KnownWords> _known = [];
    private long _last = -1;
    private long _since;

    protected override async Task<bool> FindPending(CancellationToken ct)
    {
        var last = await Feed.LastDrawn(ct);
        if (last - _last < settings.MinBatch && Stopwatch.GetElapsedTime(_since) < settings.MaxIndexDelay)
            return false;
        (_last, _since) = (last, Stopwatch.GetTimestamp());
        return true;
    }

    protected override async Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long head)
    {
        var known = await Known(transaction, orgId, seq);
        var words = new NewWords(known.Words);
        var batch = new IndexBatch(Tokenizer.Seed(orgId), words);
        var reached = await ReadMessages(transaction, batch, orgId, seq, await LastOfBatch(transaction, orgId, seq, head));
        await ReadChats(transaction, batch, orgId, seq, reached);
        var removed = batch.Changed.Count > 0 ? await RemoveChanged(transaction, batch, orgId) : [];
        // Rows of deleted chats are not written, and their words are not to stay.
        if (batch.Rows.Count > 0 && await Write(transaction, orgId, batch.Rows) < batch.Rows.Count)
            removed.UnionWith(batch.Rows.SelectMany(row => row.Tokens));
        if (words.Words.Count > 0)
            await SearchTerms.Add(transaction, orgId, words.Words);
        transaction.AfterCommit(() =>
        {
            words.Committed();
            known.Seq = reached;
        });
        if (removed.Count > 0)
        {
            await SearchTerms.MarkStale(transaction, orgId, removed);
            await SearchTerms.RemoveUnused(transaction, orgId);
        }
        return reached;
    }

    // The words that are known to be in the dictionary: those that this instance has added since words were last removed. If the offset has
    // moved back, the index is being built again.
    private async Task<KnownWords> Known(Sql.Transaction transaction, Guid orgId, long seq)
    {
        var generation = await SearchTerms.Generation(transaction, orgId);
        if (_known.TryGetValue(orgId, out var known) && known.Generation == generation && known.Seq <= seq)
            return known;
        if (_known.Values.Sum(each => each.Words.Count) > MaxKnownWords)
            _known.Clear();
        return _known[orgId] = new(generation);
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

    /// <summary>The words that are in the dictionary of an organization at an offset.</summary>
    private sealed class KnownWords(long generation)
    {
        public long Generation { get; } = generation;

        public long Seq { get; set; } = -1;

        public HashSet<ulong> Words { get; } = [];
    }
}
