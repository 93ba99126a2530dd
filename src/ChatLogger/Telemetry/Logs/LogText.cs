using System.Globalization;
using System.Text;

namespace ChatLogger.Telemetry.Logs;

/// <summary>
/// Sanitizes text for the log, so that it cannot start a line, move a cursor, color a terminal or reverse the writing direction.
/// </summary>
internal static class LogText
{
    public static string Sanitize(string text)
    {
        foreach (var character in text)
        {
            if (!IsSafe(character))
                return Escaped(text);
        }
        return text;
    }

    /// <summary>Returns the sanitized lines of the exception.</summary>
    public static IEnumerable<string> Lines(Exception exception) =>
        exception.ToString().Split('\n').Select(line => Sanitize(line.TrimEnd('\r')));

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (IsSafe(character))
                escaped.Append(character);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }
        return escaped.ToString();
    }

    private static bool IsSafe(char character) =>
        character < 0x7f
            ? character >= ' '
            : char.GetUnicodeCategory(character)
                is not (
                    UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator);
}
