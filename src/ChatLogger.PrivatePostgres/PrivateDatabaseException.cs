namespace ChatLogger.PrivatePostgres;

/// <summary>The private database cannot be used, for a reason that the operator can fix; the message is for them.</summary>
public sealed class PrivateDatabaseException(string message) : Exception(message)
{
    /// <summary>Adds the end of what the failed program printed to the message.</summary>
    internal static PrivateDatabaseException WithOutput(string sentence, string output) =>
        new($"{sentence}:\n{string.Join('\n', output.Trim().Split('\n').TakeLast(15))}");
}
