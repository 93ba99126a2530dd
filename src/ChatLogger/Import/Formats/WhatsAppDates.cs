using System.Globalization;
using System.Text.RegularExpressions;
using NodaTime;

namespace ChatLogger.Import;

/// <summary>The first line of a message: a message of the system has no sender.</summary>
internal sealed record WhatsAppLine(DateTimeOffset At, string? Sender, string Text);

/// <summary>
/// Reads the dates of a WhatsApp file, whose order is that of the telephone's region. The file shows it: by a number that is no month, else
/// by dates that would go back in time.
/// </summary>
internal sealed partial class WhatsAppDates
{
    private readonly DateTimeZone _zone;
    private readonly bool _monthFirst;

    private WhatsAppDates(DateTimeZone zone, bool monthFirst) => (_zone, _monthFirst) = (zone, monthFirst);

    public static WhatsAppDates Of(string head, DateTimeZone zone)
    {
        var found = head.Split('\n').Select(line => Pattern().Match(Plain(line))).Where(match => match.Success).ToList();
        bool Is(string part, Func<int, bool> so) => found.Exists(match => so(Number(match, part)));
        var dayFirst = Is("a", value => value is > 12 and <= 31);
        var monthFirst = Is("b", value => value > 12);
        if (dayFirst != monthFirst)
            return new(zone, monthFirst);
        var (asDays, asMonths) = (new WhatsAppDates(zone, false), new WhatsAppDates(zone, true));
        var (goesBack, goesBackToo) = (asDays.GoesBack(found), asMonths.GoesBack(found));
        return goesBack != goesBackToo ? (goesBack ? asMonths : asDays)
            : found.Exists(match => match.Groups["half"].Success && match.Value.Contains('/', StringComparison.Ordinal)) ? asMonths
            : asDays;
    }

    /// <summary>Whether a text begins with a message of WhatsApp.</summary>
    public static bool IsIn(string head) => head.Split('\n').Take(5).Any(line => Pattern().IsMatch(Plain(line)));

    /// <summary>Reads the beginning of a message; null: the line continues the one before.</summary>
    public WhatsAppLine? Read(string line)
    {
        var match = Pattern().Match(Plain(line));
        if (!match.Success || TimeOf(match) is not { } local)
            return null;
        var text = match.Groups["text"].Value;
        var at = new DateTimeOffset(local, _zone.AtLeniently(LocalDateTime.FromDateTime(local)).Offset.ToTimeSpan());
        var colon = text.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0 && text.EndsWith(':'))
            colon = text.Length - 1;
        // A left-to-right mark after the colon: the application says it in the name of the group or the other person.
        if (colon <= 0)
            return new(at, null, text.TrimStart('\u200e'));
        var said = text[Math.Min(colon + 2, text.Length)..];
        return IsNotice(said) ? new(at, null, said.TrimStart('\u200e')) : new(at, text[..colon].TrimStart('~', ' ', '\u200e'), said);
    }

    // Attachments carry the mark, too, in brackets on iOS.
    private static bool IsNotice(string said) =>
        said.StartsWith('\u200e') && !said.StartsWith("\u200e<", StringComparison.Ordinal)
        && said.Contains("end-to-end", StringComparison.OrdinalIgnoreCase);

    private DateTime? TimeOf(Match match)
    {
        var (a, b, c) = (Number(match, "a"), Number(match, "b"), Number(match, "c"));
        var (year, month, day) = a > 31 ? (a, b, c) : _monthFirst ? (c, a, b) : (c, b, a);
        var hour = Number(match, "hour");
        if (match.Groups["half"] is { Success: true } half)
            hour = (hour % 12) + (char.ToUpperInvariant(half.Value[0]) == 'P' ? 12 : 0);
        var second = match.Groups["second"].Success ? Number(match, "second") : 0;
        return DateTime.TryParseExact(
            $"{(year < 100 ? 2000 + year : year):D4}-{month:D2}-{day:D2} {hour:D2}:{Number(match, "minute"):D2}:{second:D2}",
            "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : null;
    }

    private bool GoesBack(List<Match> found)
    {
        DateTime? before = null;
        foreach (var match in found)
        {
            if (TimeOf(match) is not { } at || at < before)
                return true;
            before = at;
        }
        return false;
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    // iOS begins lines with a left-to-right mark, and telephones put narrow spaces before AM and PM.
    private static string Plain(string line) =>
        line.TrimStart('\u200e', '\u200f', '\uFEFF').TrimEnd('\r').Replace('\u202f', ' ').Replace('\u00a0', ' ');

    [GeneratedRegex(
        """
        ^\[?(?<a>\d{1,4})[./-](?<b>\d{1,2})[./-](?<c>\d{2,4}),?\s(?<hour>\d{1,2})[:.](?<minute>\d\d)([:.](?<second>\d\d))?
        (\s?(?<half>[AaPp])\.?\s?[Mm]\.?)?(\]\s|\s-\s)(?<text>.*)$
        """,
        RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Pattern();
}
