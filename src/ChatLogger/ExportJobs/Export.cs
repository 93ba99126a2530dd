namespace ChatLogger.ExportJobs;

/// <summary>
/// An export. <c>rows</c> are the records of the file. <c>sha256</c> is the lower-case hex hash of the uncompressed file. <c>skipped</c>
/// counts chats and messages that the format cannot represent.
/// </summary>
internal sealed record Export(
    Guid Id,
    string State,
    string Format,
    string? Layout,
    long Rows,
    long? TotalRows,
    long? Bytes,
    string? Sha256,
    long Skipped,
    string? Reason,
    Guid RequestedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset? ExpiresAt);

/// <summary>The states of an export. The last four are final.</summary>
internal static class ExportState
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Done = "done";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
    public const string Expired = "expired";
}

/// <summary>A finished export: its file, and whether it is outdated and must not be served any more.</summary>
internal sealed record StoredExport(Guid OrgId, Guid ExportId, long Fence, long Bytes, string Sha256, bool IsOutdated)
{
    public ExportFile File => new(OrgId, ExportId, Fence, Bytes, Sha256);
}

/// <summary>A finished file: its key in the store, and its expected length and hash.</summary>
internal sealed record ExportFile(Guid OrgId, Guid ExportId, long Fence, long Bytes, string Sha256);
