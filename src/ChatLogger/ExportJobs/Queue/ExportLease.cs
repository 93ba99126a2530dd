namespace ChatLogger.ExportJobs;

/// <summary>The right to write an export's file, until it is not heard of for too long. The fence names it: a later lease has a higher one.</summary>
internal sealed record ExportLease(Guid ExportId, Guid OrgId, long Fence, int Attempt, TimeSpan TimeLeft, ExportRequest Request);

/// <summary>What became of a lease.</summary>
internal enum LeaseState
{
    /// <summary>It is still ours.</summary>
    Held,

    /// <summary>Another worker has the export, or it has ended.</summary>
    Lost,

    /// <summary>Nobody wants the file any more.</summary>
    Cancelled,
}

/// <summary>The export was written to under a lease that is no longer held; nothing of it was kept.</summary>
internal sealed class LeaseLost() : Exception("Another worker has the export, or it has ended.");
