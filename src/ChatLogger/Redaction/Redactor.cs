using System.Text;
using System.Text.RegularExpressions;
using ChatLogger.Data;

namespace ChatLogger.Redaction;

/// <summary>
/// Replaces what an organization does not want to have stored by the name of its kind, <c>[email]</c> for one. What has been replaced
/// once stays as it is.
/// </summary>
internal sealed class Redactor
{
    /// <summary>
    /// How long one pattern may take with one text. The time is linear in its length, so only a long text on a busy machine takes longer;
    /// then the whole text is replaced, for what has not been looked at must not be stored.
    /// </summary>
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(500);

    private readonly Detector[] _detectors;
    private readonly (string Name, Regex Regex)[] _patterns;
    private readonly string[] _placeholders;

    public Redactor(RedactionSettings settings)
    {
        _detectors = [.. settings.Kinds.Select(DetectorOf)];
        _patterns = [.. settings.Patterns.Select(pattern => (pattern.Name, PatternRules.Compile(pattern.Pattern, MatchTimeout)))];
        _placeholders = [.. settings.Kinds.Concat(settings.Patterns.Select(pattern => pattern.Name)).Select(Placeholder)];
        RedactsMetadata = settings.Metadata;
    }

    public bool RedactsMetadata { get; }

    public static string Placeholder(string name) => $"[{name}]";

    /// <summary>Returns the text with everything replaced that is found in it: the same text where that is nothing.</summary>
    /// <param name="text">The text.</param>
    /// <param name="counts">Where it is counted what was found, by name; null: nowhere.</param>
    public string Redact(string text, Dictionary<string, int>? counts = null)
    {
        List<Finding>? found = null;
        foreach (var detector in _detectors)
            detector(text, ref found);
        foreach (var (name, regex) in _patterns)
        {
            try
            {
                foreach (var match in regex.EnumerateMatches(text))
                {
                    if (match.Length > 0)
                        Finding.Add(ref found, match.Index, match.Index + match.Length, name);
                }
            }
            catch (RegexMatchTimeoutException)
            {
                Finding.Add(ref found, 0, text.Length, name);
            }
        }
        return found is null ? text : Replace(text, found, counts);
    }

    /// <summary>The same for a text that there may be none of, and that must not become longer than so many characters.</summary>
    public string? Redact(string? text, int maxCharacters)
    {
        if (text is null)
            return null;
        var redacted = Redact(text);
        return ReferenceEquals(redacted, text) ? text : Text.Beginning(redacted, maxCharacters);
    }

    private string Replace(string text, List<Finding> found, Dictionary<string, int>? counts)
    {
        if (text.Contains('['))
            found.RemoveAll(finding => IsWithinPlaceholder(text, finding));
        if (found.Count == 0)
            return text;
        // Of those that overlap the first, and of those with the same beginning the longest, gives its name to all of them.
        found.Sort((one, other) => one.Start != other.Start ? one.Start.CompareTo(other.Start) : other.End.CompareTo(one.End));
        var redacted = new StringBuilder(text.Length);
        var end = 0;
        foreach (var finding in found)
        {
            if (finding.Start >= end)
            {
                redacted.Append(text, end, finding.Start - end).Append('[').Append(finding.Name).Append(']');
                if (counts is not null)
                    counts[finding.Name] = counts.GetValueOrDefault(finding.Name) + 1;
            }
            end = Math.Max(end, finding.End);
        }
        return redacted.Append(text, end, text.Length - end).ToString();
    }

    // What is redacted again, because a sender repeats it, must not change any more.
    private bool IsWithinPlaceholder(string text, Finding finding)
    {
        foreach (var placeholder in _placeholders)
        {
            for (var begins = Math.Max(0, finding.End - placeholder.Length); begins <= finding.Start; begins++)
            {
                if (string.CompareOrdinal(text, begins, placeholder, 0, placeholder.Length) == 0)
                    return true;
            }
        }
        return false;
    }

    private static Detector DetectorOf(string kind) => kind switch
    {
        RedactionKind.Email => EmailDetector.Find,
        RedactionKind.Phone => PhoneDetector.Find,
        RedactionKind.CreditCard => CreditCardDetector.Find,
        RedactionKind.Iban => IbanDetector.Find,
        RedactionKind.IpAddress => IpAddressDetector.Find,
        RedactionKind.Secret => SecretDetector.Find,
        _ => throw new ArgumentException($"There is no kind {kind}.", nameof(kind)),
    };
}
