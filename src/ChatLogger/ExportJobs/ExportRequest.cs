namespace ChatLogger.ExportJobs;

/// <summary>The parsed parameters of an export: its filters and its format.</summary>
/// <param name="OrgId">The organization whose conversations are exported.</param>
/// <param name="Format">The name of the format.</param>
/// <param name="Layout">The layout of csv: messages or chats.</param>
/// <param name="From">Chats that were created at this instant or later.</param>
/// <param name="To">Chats that were created before this instant.</param>
/// <param name="Tags">Chats that have all of these.</param>
/// <param name="UserId">Chats of this member.</param>
/// <param name="ExternalUserId">Chats of this end user.</param>
/// <param name="Q">Chats with a message that matches this search query.</param>
/// <param name="Bom">Whether the file begins with a byte order mark.</param>
/// <param name="LocalTimes">The time zone of the times in the file; null: UTC.</param>
internal sealed record ExportRequest(
    Guid OrgId,
    string Format,
    string? Layout,
    DateTimeOffset? From,
    DateTimeOffset? To,
    string[] Tags,
    Guid? UserId,
    string? ExternalUserId,
    string? Q = null,
    bool Bom = false,
    string? LocalTimes = null)
{
    /// <summary>Chats with a message of this model.</summary>
    public string? Model { get; init; }

    /// <summary>Chats that have this rating, or one of whose messages has it; <c>none</c>: chats without any.</summary>
    public string? Rating { get; init; }
}
