using System.Globalization;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>Combines the rows of <see cref="SummarySql"/> to the response. Index 0 of a pair is the range, 1 the previous range.</summary>
internal sealed class SummaryFromMessages(LocalDays local, ModelPrices prices)
{
    private readonly long[] _dayChats = new long[local.Days.Count];
    private readonly long[] _dayMessages = new long[local.Days.Count];
    private readonly long[] _dayTokens = new long[local.Days.Count];
    private readonly Summary.Latency?[] _dayLatency = new Summary.Latency?[local.Days.Count];
    private readonly Dictionary<string, long> _roles = [];
    private readonly long[] _chats = new long[2];
    private readonly long[] _messages = new long[2];
    private readonly long[] _tokens = new long[2];
    private readonly long[] _promptTokens = new long[2];
    private readonly long[] _completionTokens = new long[2];
    private readonly long[] _endUsers = new long[2];
    private readonly long[] _up = new long[2];
    private readonly long[] _down = new long[2];
    private readonly List<Summary.UserCount> _users = [];
    private readonly List<Summary.ModelCount>[] _models = [[], []];
    private Summary.AnonymousCount _anonymous = new(0, 0, 0);
    private Summary.Latency? _latency;

    /// <summary>Computes the summary from all rows of the range. The result from rollups must be the same.</summary>
    public static async Task<Summary.Response> ReadAsync(
        Sql.Transaction snapshot,
        Summary.Query query,
        DateRange range,
        DateTimeOffset asOf,
        ModelPrices prices)
    {
        var parameters = SummarySql.Parameters(query, range);
        var fold = new SummaryFromMessages(range.Local, prices);
        fold.Chats(await snapshot.QueryAsync<SummarySql.ChatRow>(SummarySql.Chats, parameters));
        fold.Messages(await snapshot.QueryAsync<SummarySql.MessageRow>(SummarySql.Messages, parameters));
        fold.Latencies(await snapshot.QueryAsync<SummarySql.LatencyRow>(SummarySql.Latencies, parameters));
        fold.Feedback(await snapshot.QueryAsync<SummarySql.FeedbackRow>(SummarySql.Feedback, parameters));
        fold.EndUsers(await snapshot.QueryAsync<SummarySql.EndUserRow>(SummarySql.EndUsers, parameters));
        fold.Users(await snapshot.QueryAsync<SummarySql.UserRow>(SummarySql.Users, parameters));
        fold.Models(await snapshot.QueryAsync<SummarySql.ModelRow>(SummarySql.Models, parameters));
        return fold.ToResponse(range, asOf, await snapshot.QueryAsync<Summary.TagCount>(SummarySql.Tags, parameters));
    }

    private void Chats(IReadOnlyList<SummarySql.ChatRow> rows)
    {
        foreach (var row in rows)
        {
            _chats[row.Day < 0 ? 1 : 0] += row.Chats;
            if (row.Day >= 0)
                _dayChats[row.Day] += row.Chats;
        }
    }

    private void Messages(IReadOnlyList<SummarySql.MessageRow> rows)
    {
        foreach (var row in rows)
        {
            var when = row.Day < 0 ? 1 : 0;
            _messages[when] += row.Messages;
            _tokens[when] += row.Tokens;
            _promptTokens[when] += row.PromptTokens;
            _completionTokens[when] += row.CompletionTokens;
            if (row.Day < 0)
                continue;
            _dayMessages[row.Day] += row.Messages;
            _dayTokens[row.Day] += row.Tokens;
            _roles[row.Role] = _roles.GetValueOrDefault(row.Role) + row.Messages;
        }
    }

    private void Latencies(IReadOnlyList<SummarySql.LatencyRow> rows)
    {
        foreach (var row in rows)
        {
            var latency = new Summary.Latency(row.Count, row.AvgMs, row.P50, row.P90, row.P95, row.P99, row.MaxMs);
            if (row.Day is { } day)
                _dayLatency[day] = latency;
            else
                _latency = latency;
        }
    }

    private void Feedback(IReadOnlyList<SummarySql.FeedbackRow> rows)
    {
        foreach (var row in rows)
            (row.Rating == "up" ? _up : _down)[row.IsCurrent ? 0 : 1] += row.Ratings;
    }

    private void EndUsers(IReadOnlyList<SummarySql.EndUserRow> rows)
    {
        foreach (var row in rows)
            _endUsers[row.IsCurrent ? 0 : 1] = row.EndUsers;
    }

    private void Models(IReadOnlyList<SummarySql.ModelRow> rows)
    {
        foreach (var row in rows)
            _models[row.IsCurrent ? 0 : 1].Add(
                Summary.ModelCount.Of(row.Model, row.Messages, row.Tokens, row.PromptTokens, row.CompletionTokens, prices));
    }

    private void Users(IReadOnlyList<SummarySql.UserRow> rows)
    {
        foreach (var row in rows)
        {
            if (row.UserId is null && row.ExternalUserId is null)
                _anonymous = new(row.Chats, row.Messages, row.Tokens);
            else
                _users.Add(new(row.UserId, row.ExternalUserId, row.Chats, row.Messages, row.Tokens, row.LastSeenAt));
        }
    }

    private Summary.Response ToResponse(DateRange range, DateTimeOffset asOf, IReadOnlyList<Summary.TagCount> tags) =>
        new(
            range.From,
            range.To,
            range.Zone.Id,
            asOf,
            Totals(0),
            Totals(1),
            [
                .. local.Days.Select(
                    (day, i) =>
                        new Summary.DayCount(
                            day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                            _dayChats[i],
                            _dayMessages[i],
                            _dayTokens[i],
                            _dayLatency[i])),
            ],
            _latency,
            [
                .. _roles
                    .OrderByDescending(role => role.Value)
                    .ThenBy(role => role.Key, StringComparer.Ordinal)
                    .Select(role => new Summary.RoleCount(role.Key, role.Value)),
            ],
            _users,
            _anonymous,
            tags,
            _models[0]);

    private Summary.Totals Totals(int when) =>
        new(
            _chats[when],
            _messages[when],
            _endUsers[when],
            _tokens[when],
            _promptTokens[when],
            _completionTokens[when],
            _up[when],
            _down[when],
            prices.Total(_models[when]));
}
