namespace ChatLogger.ExportJobs;

/// <summary>
/// The exclusive right to write the file of an export. It expires unless the worker renews it. The fence is its fencing token: a later
/// lease of the same export has a higher one.
/// </summary>
internal sealed record ExportLease(Guid ExportId, Guid OrgId, long Fence, int Attempt, TimeSpan TimeLeft, ExportRequest Request);

/// <summary>The state of a lease as its worker sees it.</summary>
internal enum LeaseState
{
    /// <summary>This worker still holds the lease.</summary>
    Held,

    /// <summary>Another worker has claimed the export, or the export has ended.</summary>
    Lost,

    /// <summary>The export was cancelled.</summary>
    Cancelled,
}

/// <summary>The worker wrote to an export whose lease it no longer holds; nothing of this write was stored.</summary>
internal sealed class LeaseLost() : Exception("Another worker has the export, or it has ended.");
