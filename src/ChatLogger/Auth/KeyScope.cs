namespace ChatLogger.Auth;

/// <summary>What an API key may be used for.</summary>
internal static class KeyScope
{
    /// <summary>Open chats and log messages. The default.</summary>
    public const string Ingest = "ingest";

    /// <summary>Log what was said in the past, with its time.</summary>
    public const string Import = "import";

    public static readonly IReadOnlyList<string> All = [Ingest, Import];

    public static bool IsKnown(string? scope) => scope is not null && All.Contains(scope);
}
