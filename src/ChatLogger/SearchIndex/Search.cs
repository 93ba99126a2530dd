using ChatLogger.Data;

namespace ChatLogger.SearchIndex;

/// <summary>
/// One search in one snapshot. It first scans the newest chats for candidates, which fills a page quickly if the terms are frequent; if
/// they are rare, it queries the index. Each candidate is verified before it is returned. Unindexed messages are matched before anything
/// else.
/// </summary>
internal sealed class Search
{
    // The chats of the first two steps serve to estimate the frequency of matches. If more than one in sixty chats match, scanning on is
    // faster than sorting the candidates of the index.
    private const int FirstStep = 100, SecondStep = 400, Stride = 2_000, Frequent = 60;

    private const int BatchIndexed = 200;

    private readonly Sql.Transaction _snapshot;
    private readonly SearchQuery _query;
    private readonly SearchSettings _settings;
    private readonly SearchSql _sql;
    private readonly SearchTokens _tokens;
    private readonly UnindexedMessages _tail;

    private Search(Sql.Transaction snapshot, SearchScope scope, SearchQuery query, SearchSettings settings, UnindexedMessages tail)
    {
        (_snapshot, _query, _settings, _tail) = (snapshot, query, settings, tail);
        _tokens = query.Tokens(scope.OrgId);
        _sql = new(scope, _tokens, tail);
    }

    public static async Task<Search> Begin(Sql.Transaction snapshot, SearchScope scope, SearchQuery query, SearchSettings settings)
    {
        await snapshot.ExecuteAsync(SearchSql.Prepare, new { });
        return new(
            snapshot,
            scope,
            query,
            settings,
            await UnindexedMessages.Read(snapshot, scope.OrgId, query, settings.MaxUnindexedMessages));
    }

    public async Task<FoundPage> Page((DateTimeOffset Time, Guid Id)? after, int limit)
    {
        var found = new List<FoundChat>();
        var verifier = new MatchVerifier(_snapshot, _sql, _query, _settings, _tail, found, limit + 1);
        // The index is used only if all unindexed messages could be matched; otherwise its candidates would be incomplete.
        var asksIndex = _tail.IsWhole && !_tokens.IsEmpty;
        var position = after;
        for (var scanned = 0; ;)
        {
            var step = scanned == 0 ? FirstStep : scanned == FirstStep ? SecondStep : Stride;
            if (scanned >= FirstStep + SecondStep && asksIndex && found.Count * Frequent < scanned)
            {
                if (await FromIndex(verifier, position) is { } page)
                    return page;
                asksIndex = false;
            }
            var chats = await _snapshot.QueryAsync<ScannedChat>(_sql.Walk(position is not null, step), _sql.Parameters(position));
            var stop = await verifier.Run([.. chats.Where(chat => chat.Hit).Select(chat => (chat.CreatedAt, chat.Id))]);
            if (verifier.IsFull)
                return Full(found, limit);
            if (stop is not null)
                return new(found, stop);
            if (chats.Count < step)
                return new(found, null);
            position = (chats[^1].CreatedAt, chats[^1].Id);
            scanned += step;
            if (scanned >= _settings.MaxScannedChats || verifier.IsSpent)
                return new(found, position);
        }
    }

    // Null: the query of the index timed out.
    private async Task<FoundPage?> FromIndex(MatchVerifier verifier, (DateTimeOffset Time, Guid Id)? position)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_snapshot.Ct);
        timeout.CancelAfter(_settings.IndexTimeout);
        await _snapshot.Inner.SaveAsync("index", _snapshot.Ct);
        while (true)
        {
            IReadOnlyList<Candidate> candidates;
            try
            {
                candidates = await (_snapshot with { Ct = timeout.Token }).QueryAsync<Candidate>(
                    _sql.FromIndex(position is not null, BatchIndexed), _sql.Parameters(position));
            }
            catch (OperationCanceledException) when (!_snapshot.Ct.IsCancellationRequested)
            {
                await _snapshot.Inner.RollbackAsync("index", _snapshot.Ct);
                return verifier.Found.Count > 0 && position is not null ? new(verifier.Found, position) : null;
            }
            var stop = await verifier.Run([.. candidates.Select(each => (each.CreatedAt, each.Id)).Distinct()]);
            if (verifier.IsFull)
                return Full(verifier.Found, verifier.Wanted - 1);
            if (stop is not null)
                return new(verifier.Found, stop);
            if (candidates.Count < BatchIndexed)
                return new(verifier.Found, null);
            position = (candidates[^1].CreatedAt, candidates[^1].Id);
        }
    }

    private static FoundPage Full(List<FoundChat> found, int limit) =>
        new(found[..limit], (found[limit - 1].CreatedAt, found[limit - 1].Id));

    private sealed record ScannedChat(Guid Id, DateTimeOffset CreatedAt, bool Hit);

    private sealed record Candidate(Guid Id, DateTimeOffset CreatedAt);
}
