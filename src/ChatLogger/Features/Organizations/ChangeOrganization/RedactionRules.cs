using System.Text.RegularExpressions;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Redaction;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>Validation of what an organization wants to have replaced.</summary>
internal sealed partial class RedactionRules(Limits limits)
{
    private const string Path = "settings.redaction";

    public void Check(ChangeOrganization.Redaction? redaction, ValidationContext<ChangeOrganization.Command> context)
    {
        if (redaction is null)
            return;
        if (redaction.Kinds?.All(RedactionKind.IsKnown) == false)
            context.AddFailure($"{Path}.kinds", $"Each must be one of: {string.Join(", ", RedactionKind.All)}.");
        var patterns = redaction.Patterns ?? [];
        if (patterns.Length > limits.RedactionPatterns)
        {
            context.AddFailure($"{Path}.patterns", $"May be at most {limits.RedactionPatterns}.");
            return;
        }
        var names = new HashSet<string>(RedactionKind.All, StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < patterns.Length; i++)
        {
            if (patterns[i]?.Name is not { } name || !Name().IsMatch(name))
                context.AddFailure(
                    $"{Path}.patterns[{i}].name", "Must have 1 to 40 letters, digits, hyphens and underscores, and begin with a letter.");
            else if (!names.Add(name))
                context.AddFailure($"{Path}.patterns[{i}].name", "Another pattern, or a kind, has the same name.");
            if (Refuse(patterns[i]?.Expression) is { } sentence)
                context.AddFailure($"{Path}.patterns[{i}].pattern", sentence);
        }
    }

    private string? Refuse(string? pattern) => string.IsNullOrEmpty(pattern) || Text.Length(pattern) > limits.RedactionPatternLength
        ? $"Must have 1 to {limits.RedactionPatternLength} characters."
        : PatternRules.Refuse(pattern);

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,39}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
