namespace ChatLogger.Auth;

/// <summary>The scopes of API keys.</summary>
internal static class KeyScope
{
    /// <summary>Create chats and log messages. The default.</summary>
    public const string Ingest = "ingest";

    /// <summary>Log messages of the past, with their time.</summary>
    public const string Import = "import";

    public static readonly IReadOnlyList<string> All = [Ingest, Import];

    public static bool IsKnown(string? scope) => scope is not null && All.Contains(scope);
}
