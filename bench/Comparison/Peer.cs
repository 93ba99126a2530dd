namespace ChatLogger.Bench.Comparison;

/// <summary>NAME=URL: another service with the same routes.</summary>
internal sealed record Peer(string Name, Uri Address)
{
    public static Peer Parse(string option, string text)
    {
        var parts = text.Split('=', 2);
        return parts.Length == 2 && parts[0].Trim() is { Length: > 0 } name
            && Uri.TryCreate(parts[1].Trim(), UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
                ? new Peer(name, address)
                : throw new UsageException($"{option} must be a name, = and an http or https address.");
    }
}
