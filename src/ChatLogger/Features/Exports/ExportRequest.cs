namespace ChatLogger.Features;

/// <summary>What an export holds and how it is written: a format and the filters, understood.</summary>
internal sealed record ExportRequest(
    Guid OrgId,
    string Format,
    string? Layout,
    DateTimeOffset? From,
    DateTimeOffset? To,
    string[] Tags,
    Guid? UserId,
    string? ExternalUserId,
    string? Q = null);
