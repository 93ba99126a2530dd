namespace ChatLogger.Features;

/// <summary>
/// The role of the author of a message, spelled as in the database and on the wire. Not to be confused with the role of a member.
/// </summary>
internal static class MessageRole
{
    public static readonly IReadOnlyList<string> All = ["user", "assistant", "system", "developer", "tool", "function"];

    public const string Sentence = "Must be one of: user, assistant, system, developer, tool, function.";

    public static bool IsKnown(string? role) => role is "user" or "assistant" or "system" or "developer" or "tool" or "function";
}
