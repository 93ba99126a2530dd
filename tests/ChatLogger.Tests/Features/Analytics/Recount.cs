using System.Globalization;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>The summary, counted one message after the other in plain C#: slow, and obviously right.</summary>
internal sealed class Recount(
    IReadOnlyList<Recount.Chat> chats,
    DateTimeOffset from,
    DateTimeOffset to,
    Recount.Calendar calendar,
    string? tag)
{
    private readonly Chat[] _chats = [.. chats.Where(chat => !chat.Deleted && (tag is null || chat.Tags.Contains(tag)))];

    internal sealed record Chat(
        Guid Id,
        DateTimeOffset At,
        string[] Tags,
        Guid? UserId,
        string? ExternalUserId,
        bool Deleted,
        Message[] Messages,
        Rating[] Ratings);

    internal sealed record Message(
        DateTimeOffset At,
        string Role,
        int? LatencyMs,
        int? TokenCount,
        int? PromptTokens,
        int? CompletionTokens)
    {
        public long Tokens => TokenCount ?? (PromptTokens ?? 0) + (CompletionTokens ?? 0);
    }

    internal sealed record Rating(DateTimeOffset At, bool Up);

    /// <summary>
    /// The day of each minute in a zone. No arithmetic with offsets, which could share a mistake with the service: the runtime is asked
    /// about every minute, once. In these zones and years every offset is a number of whole minutes, so that a day begins with a minute.
    /// </summary>
    internal sealed class Calendar(TimeZoneInfo zone)
    {
        private readonly Dictionary<long, DateOnly> _days = [];

        public DateOnly DayOf(DateTimeOffset at)
        {
            var minute = at.UtcTicks / TimeSpan.TicksPerMinute;
            if (!_days.TryGetValue(minute, out var day))
                _days.Add(minute, day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime));
            return day;
        }

        /// <summary>The first minute of a day or of one after it, where a day is left out.</summary>
        public DateTimeOffset Start(DateOnly day)
        {
            var at = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).AddHours(-40);
            while (DayOf(at) < day)
                at = at.AddMinutes(1);
            return at;
        }
    }

    public IEnumerable<(string Day, long Chats, long Messages, long Tokens, string Latency)> Days()
    {
        // Minute by minute: where clocks go back over midnight, a day may have a minute before the previous day continues.
        var days = new SortedSet<DateOnly> { calendar.DayOf(to.AddTicks(-1)) };
        for (var at = from; at < to; at += TimeSpan.FromMinutes(1))
            days.Add(calendar.DayOf(at));
        var messages = Within(from, to).ToLookup(each => calendar.DayOf(each.Message.At), each => each.Message);
        var opened = _chats.Where(chat => InRange(chat.At)).ToLookup(chat => calendar.DayOf(chat.At));
        return days.Select(day => (
            day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), (long)opened[day].Count(), (long)messages[day].Count(),
            messages[day].Sum(message => message.Tokens), Latency([.. messages[day]])));
    }

    public string Latency() => Latency([.. Within(from, to).Select(each => each.Message)]);

    public string Totals() => Totals(from, to);

    public string Previous() => Totals(from - (to - from), from);

    public IEnumerable<string> Roles() => Within(from, to)
        .GroupBy(each => each.Message.Role)
        .OrderByDescending(role => role.Count()).ThenBy(role => role.Key, StringComparer.Ordinal)
        .Select(role => $"{role.Key} {role.Count()}");

    public IEnumerable<string> Users(int top) =>
        People()
            .Where(user => user.UserId is not null || user.ExternalUserId is not null)
            .OrderByDescending(user => user.Messages)
            .ThenBy(user => user.UserId is null)
            .ThenBy(user => user.UserId?.ToString(), StringComparer.Ordinal)
            .ThenBy(user => user.ExternalUserId is null)
            .ThenBy(user => user.ExternalUserId, StringComparer.Ordinal)
            .Take(top)
            .Select(user =>
                $"{user.UserId} {user.ExternalUserId} {user.Chats} {user.Messages} {user.Tokens} "
                    + $"{user.LastSeen:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}");

    public string Anonymous()
    {
        var nobody = People().SingleOrDefault(user => user.UserId is null && user.ExternalUserId is null);
        return $"{nobody.Chats} {nobody.Messages} {nobody.Tokens}";
    }

    public IEnumerable<string> Tags() =>
        _chats
            .SelectMany(chat =>
                chat.Tags.Select(name =>
                    (Name: name, Chats: InRange(chat.At) ? 1 : 0, Messages: chat.Messages.Count(message => InRange(message.At)))))
            .GroupBy(each => each.Name)
            .Select(name => (Name: name.Key, Chats: name.Sum(each => each.Chats), Messages: name.Sum(each => each.Messages)))
            .Where(name => name.Chats + name.Messages > 0)
            .OrderByDescending(name => name.Messages)
            .ThenBy(name => name.Name, StringComparer.Ordinal)
            .Select(name => $"{name.Name} {name.Chats} {name.Messages}");

    private IEnumerable<(Guid? UserId, string? ExternalUserId, long Chats, long Messages, long Tokens, DateTimeOffset LastSeen)> People() =>
        _chats
            .GroupBy(chat => (chat.UserId, chat.ExternalUserId))
            .Select(person =>
            {
                var messages = person.SelectMany(chat => chat.Messages).Where(message => InRange(message.At)).ToArray();
                var opened = person.Where(chat => InRange(chat.At)).ToArray();
                var seen = messages.Select(message => message.At).Concat(opened.Select(chat => chat.At)).ToArray();
                return (
                    person.Key.UserId,
                    person.Key.ExternalUserId,
                    (long)opened.Length,
                    (long)messages.Length,
                    messages.Sum(message => message.Tokens),
                    seen.Length == 0 ? default : seen.Max().ToUniversalTime());
            })
            .Where(person => person.Item3 + person.Item4 > 0);

    private string Totals(DateTimeOffset start, DateTimeOffset end)
    {
        bool In(DateTimeOffset at) => at >= start && at < end;
        var messages = Within(start, end).Select(each => each.Message).ToArray();
        var people = _chats
            .Where(chat => chat.ExternalUserId is not null && (In(chat.At) || chat.Messages.Any(message => In(message.At))))
            .Select(chat => chat.ExternalUserId).Distinct().Count();
        var ratings = _chats.SelectMany(chat => chat.Ratings).Where(rating => In(rating.At)).ToArray();
        return string.Join(
            ' ', _chats.Count(chat => In(chat.At)), messages.Length, people, messages.Sum(message => message.Tokens),
            messages.Sum(message => (long?)message.PromptTokens ?? 0), messages.Sum(message => (long?)message.CompletionTokens ?? 0),
            ratings.Count(rating => rating.Up), ratings.Count(rating => !rating.Up));
    }

    private static string Latency(IReadOnlyCollection<Message> messages)
    {
        var values = messages.Where(message => message.LatencyMs is not null).Select(message => message.LatencyMs!.Value).Order().ToArray();
        if (values.Length == 0)
            return "null";
        // The nearest rank: the smallest value that at least p per cent of the values do not exceed.
        int Percentile(int p) => values[((values.Length * p) + 99) / 100 - 1];
        var average = (long)Math.Round(values.Sum(value => (decimal)value) / values.Length, MidpointRounding.AwayFromZero);
        return string.Join(' ', values.Length, average, Percentile(50), Percentile(90), Percentile(95), Percentile(99), values[^1]);
    }

    private IEnumerable<(Chat Chat, Message Message)> Within(DateTimeOffset start, DateTimeOffset end) =>
        from chat in _chats
        from message in chat.Messages
        where message.At >= start && message.At < end
        select (chat, message);

    private bool InRange(DateTimeOffset at) => at >= from && at < to;
}
