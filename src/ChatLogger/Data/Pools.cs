namespace ChatLogger.Data;

/// <summary>
/// Names of connection pools beside the common one. Each is small and for one kind of work, so that a heavy question waits for others of its
/// kind and never takes a connection from those who log messages.
/// </summary>
internal static class Pools
{
    /// <summary>For questions over many rows. Its statements may take as long as an analysis may.</summary>
    public const string Analytics = "analytics";

    /// <summary>For reading, writing and serving exports. Without a limit for a statement: a snapshot is read as long as it takes.</summary>
    public const string Exports = "exports";

    /// <summary>For what plugins need beside writing: whose key it is, and what was said under an Idempotency-Key. Members never take from it.</summary>
    public const string Plugins = "plugins";

    /// <summary>For writing chats and messages: few, for each statement carries the rows of many requests. Waits for locks only briefly.</summary>
    public const string Writing = "writing";
}
