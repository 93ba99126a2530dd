namespace ChatLogger.Ingest;

/// <summary>Writes rows of many kinds and organizations in one transaction.</summary>
internal interface IWriteTransaction
{
    /// <summary>Whether a call may have writes of one organization only.</summary>
    bool IsOfOneOrganization => false;

    /// <summary>
    /// Returns the status of each write, in the given order. With <paramref name="wait"/> it waits for the locks of the logs, up to the
    /// lock timeout of the pool; without, and after the timeout, it reports the rows of locked logs as <see cref="WriteStatus.Locked"/>.
    /// If it throws, nothing is written, or it is unknown whether all of it is, because the connection was lost.
    /// </summary>
    Task<WriteStatus[]> Run(IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait);
}
