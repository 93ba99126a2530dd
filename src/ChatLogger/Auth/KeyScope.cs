namespace ChatLogger.Auth;

/// <summary>The scopes of API keys.</summary>
internal static class KeyScope
{
    /// <summary>Create chats and log messages. The default.</summary>
    public const string Ingest = "ingest";

    /// <summary>Log messages of the past, with their time.</summary>
    public const string Import = "import";

    /// <summary>Read chats and messages.</summary>
    public const string Read = "read";

    public const string Sentence = "May be ingest, import and read, each once.";

    public static readonly IReadOnlyList<string> All = [Ingest, Import, Read];

    /// <summary>
    /// Whether a key with these scopes must not be in a page, where everybody can read it: it reads what others wrote, or writes the past.
    /// </summary>
    public static bool AreForServers(IEnumerable<string> scopes) => scopes.Any(scope => scope is Import or Read);

    public static bool IsKnown(string? scope) => scope is not null && All.Contains(scope);
}
