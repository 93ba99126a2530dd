using ChatLogger.Data;

namespace ChatLogger.SearchIndex;

/// <summary>
/// One search in one snapshot. It first scans the newest chats for candidates, which fills a page quickly if the terms are frequent; if
/// they are not, it queries the index for one span of time after the other, newest first. Each candidate is verified before it is returned.
/// Unindexed documents are matched before anything else.
/// </summary>
internal sealed class Search
{
    // The chats of the first steps also serve to estimate how frequent candidates are.
    private const int FirstStep = 100, SecondStep = 400, Stride = 2_000;

    // A span is chosen to have at least this many candidates. They are queried in batches, each four times as large as the one before.
    private const int SpanCandidates = 100, BatchIndexed = 250, MaxBatchIndexed = 4_000;

    // A beginning that more words have is not asked of the index.
    private const int MaxWords = 500;

    private readonly Sql.Transaction _snapshot;
    private readonly SearchQuery _query;
    private readonly SearchSettings _settings;
    private readonly SearchSql _sql;
    private readonly SearchTokens _tokens;
    private readonly UnindexedDocuments _tail;
    private readonly int _seed;

    private Search(
        Sql.Transaction snapshot,
        SearchScope scope,
        SearchQuery query,
        SearchTokens tokens,
        SearchSettings settings,
        UnindexedDocuments tail)
    {
        (_snapshot, _query, _tokens, _settings, _tail) = (snapshot, query, tokens, settings, tail);
        _seed = Tokenizer.Seed(scope.OrgId);
        _sql = new(scope, _tokens, tail);
    }

    public static async Task<Search> Begin(Sql.Transaction snapshot, SearchScope scope, SearchQuery query, SearchSettings settings)
    {
        await snapshot.ExecuteAsync(SearchSql.Prepare, new { });
        var words = new Dictionary<string, int[]?>();
        foreach (var beginning in query.Beginnings)
            words[beginning] = await SearchTerms.StartingWith(snapshot, scope.OrgId, beginning, MaxWords);
        return new(
            snapshot,
            scope,
            query,
            query.Tokens(scope.OrgId, words),
            settings,
            await UnindexedDocuments.Read(snapshot, scope.OrgId, query, settings.MaxUnindexedMessages));
    }

    public async Task<FoundPage> Page((DateTimeOffset Time, Guid Id)? after, int limit)
    {
        var found = new List<FoundChat>();
        var verifier = new MatchVerifier(_snapshot, _sql, _query, _settings, _tail, found, limit + 1);
        // The index is used only if all unindexed documents could be matched; otherwise its candidates would be incomplete.
        var asksIndex = _tail.IsWhole && !_tokens.IsEmpty;
        var scan = new Scan(after);
        while (true)
        {
            var step = scan.Chats == 0 ? FirstStep : scan.Chats == FirstStep ? SecondStep : Stride;
            // Scanning on pays off if the next step will probably fill the page.
            if (asksIndex && scan.Chats > 0 && !(scan.Chats == FirstStep && found.Count * (SecondStep / FirstStep) > limit))
            {
                if (await FromIndex(verifier, scan) is { } page)
                    return page;
                asksIndex = false;
            }
            var chats = await _snapshot.QueryAsync<ScannedChat>(
                _sql.Walk(scan.Position is not null, step), _sql.Parameters(scan.Position));
            var hits = chats.Where(chat => chat.Hit).Select(chat => (chat.CreatedAt, chat.Id)).ToList();
            var before = found.Count;
            var stop = await verifier.Run(hits);
            if (verifier.IsFull)
                return Full(found, limit);
            if (stop is not null)
                return new(found, stop);
            if (chats.Count < step)
                return new(found, null);
            scan.Add(step, _sql.ScanIsExact ? hits.Count : found.Count - before, chats[0].CreatedAt, (chats[^1].CreatedAt, chats[^1].Id));
            if (scan.Chats >= _settings.MaxScannedChats || verifier.IsSpent)
                return new(found, scan.Position);
        }
    }

    // Null: a query of the index timed out; the scan goes on at its position.
    private async Task<FoundPage?> FromIndex(MatchVerifier verifier, Scan scan)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_snapshot.Ct);
        timeout.CancelAfter(_settings.IndexTimeout);
        await _snapshot.Inner.SaveAsync("index", _snapshot.Ct);
        var rows = BatchIndexed;
        while (true)
        {
            var span = scan.Span(SpanCandidates, _seed);
            IReadOnlyList<Candidate> candidates;
            try
            {
                candidates = await (_snapshot with { Ct = timeout.Token }).QueryAsync<Candidate>(
                    _sql.FromIndex(after: true, span is not null, rows), _sql.Parameters(scan.Position, span));
            }
            catch (OperationCanceledException) when (!_snapshot.Ct.IsCancellationRequested)
            {
                await _snapshot.Inner.RollbackAsync("index", _snapshot.Ct);
                return verifier.Found.Count > 0 ? new(verifier.Found, scan.Position) : null;
            }
            var stop = await verifier.Run([.. candidates.Select(each => (each.CreatedAt, each.Id)).Distinct()]);
            if (verifier.IsFull)
                return Full(verifier.Found, verifier.Wanted - 1);
            if (stop is not null)
                return new(verifier.Found, stop);
            var isEnd = candidates.Count < rows;
            if (isEnd && span is null)
                return new(verifier.Found, null);
            // Nothing in the span is left, or the rest of it begins after the last candidate.
            scan.Add(candidates.Count, isEnd ? (span!.Value.Start, Guid.Empty) : (candidates[^1].CreatedAt, candidates[^1].Id));
            rows = isEnd ? BatchIndexed : Math.Min(rows * 4, MaxBatchIndexed);
            if (verifier.IsSpent)
                return new(verifier.Found, scan.Position);
        }
    }

    private static FoundPage Full(List<FoundChat> found, int limit) =>
        new(found[..limit], (found[limit - 1].CreatedAt, found[limit - 1].Id));

    private sealed record ScannedChat(Guid Id, DateTimeOffset CreatedAt, bool Hit);

    private sealed record Candidate(Guid Id, DateTimeOffset CreatedAt);

    /// <summary>How far a page has come, and how many candidates there were in how much time.</summary>
    private sealed class Scan((DateTimeOffset Time, Guid Id)? after)
    {
        private DateTimeOffset? _newest;
        private int _candidates;

        /// <summary>The number of chats that were scanned without the index.</summary>
        public int Chats { get; private set; }

        public (DateTimeOffset Time, Guid Id)? Position { get; private set; } = after;

        public void Add(int chats, int candidates, DateTimeOffset newest, (DateTimeOffset Time, Guid Id) position)
        {
            _newest ??= newest;
            Chats += chats;
            Add(candidates, position);
        }

        public void Add(int candidates, (DateTimeOffset Time, Guid Id) position)
        {
            _candidates += candidates;
            Position = position;
        }

        /// <summary>
        /// The shortest span before the position that probably has enough candidates; null: so many are probably not in any.
        /// </summary>
        public (int Token, DateTimeOffset Start)? Span(int enough, int seed)
        {
            var (time, id) = Position!.Value;
            var perHour = Math.Max(_candidates, 0.5) / Math.Max((_newest!.Value - time).TotalHours, 0.001);
            for (var level = 0; level < TimeSpanToken.Levels; level++)
            {
                // A position without an id is the beginning of a span, and what comes before is in another one.
                if (perHour * TimeSpanToken.Hours(level) >= enough)
                    return TimeSpanToken.Of(id == Guid.Empty ? time.AddTicks(-10) : time, level, seed);
            }
            return null;
        }
    }
}
