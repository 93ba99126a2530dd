namespace ChatLogger.Http;

/// <summary>
/// An id in a path. A malformed id binds to an id that no resource has, so it behaves exactly like an unknown one: every check that
/// precedes a missing resource (401, 403, 400) still applies.
/// </summary>
internal readonly record struct PathId(Guid Value)
{
    public static bool TryParse(string? text, IFormatProvider? _, out PathId id)
    {
        id = TryRead(text ?? "", out var value) ? new(value) : default;
        return true;
    }

    /// <summary>Accepts only the canonical spelling of ids: lower case, hyphens, no braces.</summary>
    public static bool TryRead(string text, out Guid id)
    {
        id = default;
        return text.Length == 36 && !text.AsSpan().ContainsAnyInRange('A', 'F') && Guid.TryParseExact(text, "D", out id);
    }

    public static implicit operator Guid(PathId id) => id.Value;
}
