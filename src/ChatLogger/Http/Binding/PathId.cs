namespace ChatLogger.Http;

/// <summary>
/// An id in a path. A malformed one is bound to the id that nothing has: it behaves exactly like one that does not exist, after everything
/// that comes before a missing resource (401, 403, 400).
/// </summary>
internal readonly record struct PathId(Guid Value)
{
    public static bool TryParse(string? text, IFormatProvider? _, out PathId id)
    {
        id = TryRead(text ?? "", out var value) ? new(value) : default;
        return true;
    }

    /// <summary>Reads the one spelling that ids have: lower case, hyphens, no braces.</summary>
    public static bool TryRead(string text, out Guid id)
    {
        id = default;
        return text.Length == 36 && !text.AsSpan().ContainsAnyInRange('A', 'F') && Guid.TryParseExact(text, "D", out id);
    }

    public static implicit operator Guid(PathId id) => id.Value;
}
