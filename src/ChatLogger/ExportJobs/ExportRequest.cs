namespace ChatLogger.ExportJobs;

/// <summary>What an export holds and how it is written: a format and the filters, understood.</summary>
/// <param name="OrgId">Whose conversations.</param>
/// <param name="Format">The format's name.</param>
/// <param name="Layout">Of csv: messages or chats.</param>
/// <param name="From">Chats that were created at this instant or later.</param>
/// <param name="To">Chats that were created before this instant.</param>
/// <param name="Tags">Chats that have all of these.</param>
/// <param name="UserId">Chats of this member.</param>
/// <param name="ExternalUserId">Chats of this end user.</param>
/// <param name="Q">Chats in which this is found.</param>
/// <param name="Bom">Whether a byte order mark comes first.</param>
/// <param name="LocalTimes">The zone that times are written in; null: UTC.</param>
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
    string? LocalTimes = null);
