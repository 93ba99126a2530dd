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
        return new(snapshot, scope, query, settings, await UnindexedMessages.Read(snapshot, scope.OrgId, query, settings.MaxUnindexedMessages));
    }

    public async Task<FoundPage> Page((DateTimeOffset Time, Guid Id)? after, int limit)
    {
        var found = new List<FoundChat>();
        var comparison = new MatchVerifier(_snapshot, _sql, _query, _settings, _tail, found, limit + 1);
        // The index is used only if all unindexed messages could be matched; otherwise its candidates would be incomplete.
        var asksIndex = _tail.IsWhole && !_tokens.IsEmpty;
        var place = after;
        for (var walked = 0; ;)
        {
            var step = walked == 0 ? FirstStep : walked == FirstStep ? SecondStep : Stride;
            if (walked >= FirstStep + SecondStep && asksIndex && found.Count * Frequent < walked)
            {
                if (await FromIndex(comparison, place) is { } page)
                    return page;
                asksIndex = false;
            }
            var chats = await _snapshot.QueryAsync<ScannedChat>(_sql.Walk(place is not null, step), _sql.Parameters(place));
            var stop = await comparison.Run([.. chats.Where(chat => chat.Hit).Select(chat => (chat.CreatedAt, chat.Id))]);
            if (comparison.IsFull)
                return Full(found, limit);
            if (stop is not null)
                return new(found, stop);
            if (chats.Count < step)
                return new(found, null);
            place = (chats[^1].CreatedAt, chats[^1].Id);
            walked += step;
            if (walked >= _settings.MaxScannedChats || comparison.IsSpent)
                return new(found, place);
        }
    }

    // Null: the query of the index timed out.
    private async Task<FoundPage?> FromIndex(MatchVerifier comparison, (DateTimeOffset Time, Guid Id)? place)
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
                    _sql.FromIndex(place is not null, BatchIndexed), _sql.Parameters(place));
            }
            catch (OperationCanceledException) when (!_snapshot.Ct.IsCancellationRequested)
            {
                await _snapshot.Inner.RollbackAsync("index", _snapshot.Ct);
                return comparison.Found.Count > 0 && place is not null ? new(comparison.Found, place) : null;
            }
            var stop = await comparison.Run([.. candidates.Select(each => (each.CreatedAt, each.Id)).Distinct()]);
            if (comparison.IsFull)
                return Full(comparison.Found, comparison.Wanted - 1);
            if (stop is not null)
                return new(comparison.Found, stop);
            if (candidates.Count < BatchIndexed)
                return new(comparison.Found, null);
            place = (candidates[^1].CreatedAt, candidates[^1].Id);
        }
    }

    private static FoundPage Full(List<FoundChat> found, int limit) =>
        new(found[..limit], (found[limit - 1].CreatedAt, found[limit - 1].Id));

    private sealed record ScannedChat(Guid Id, DateTimeOffset CreatedAt, bool Hit);

    private sealed record Candidate(Guid Id, DateTimeOffset CreatedAt);
}
