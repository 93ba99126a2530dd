namespace ChatLogger.ExportJobs;

/// <summary>An export as its organization sees it. Rows are records of the file; sha256 is in lower-case hex, of the file as it is uncompressed. Skipped are chats and messages that the format cannot say.</summary>
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

/// <summary>How far an export can be. The last four are ends.</summary>
internal static class ExportState
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Done = "done";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
    public const string Expired = "expired";
}

/// <summary>A finished export: its file, and whether that may still be served.</summary>
internal sealed record StoredExport(Guid OrgId, Guid ExportId, long Fence, long Bytes, string Sha256, bool IsOutdated)
{
    public ExportFile File => new(OrgId, ExportId, Fence, Bytes, Sha256);
}

/// <summary>A finished file: where the store has it, and what it must come to.</summary>
internal sealed record ExportFile(Guid OrgId, Guid ExportId, long Fence, long Bytes, string Sha256);
