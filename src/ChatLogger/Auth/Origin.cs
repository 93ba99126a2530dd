namespace ChatLogger.Auth;

/// <summary>What browsers send in <c>Origin</c>: scheme and host in lower case, a port where it is not the scheme's own, nothing more.</summary>
internal static class Origin
{
    private const int MostCharacters = 300;

    public static bool IsExact(string? text) =>
        text is { Length: <= MostCharacters } && !text.AsSpan().ContainsAny('*', '@') && text.All(char.IsAscii)
        && Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
        && uri.GetLeftPart(UriPartial.Authority) == text;
}
