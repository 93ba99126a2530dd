namespace ChatLogger.ExportJobs;

/// <summary>The progress of a file. The writer reports it, and the lease renewal stores it.</summary>
internal sealed class ExportProgress
{
    private long _rows;
    private long _totalRows = -1;

    public long Rows => Volatile.Read(ref _rows);

    /// <summary>Null until the rows are counted.</summary>
    public long? TotalRows => Volatile.Read(ref _totalRows) is >= 0 and var total ? total : null;

    public void Report(long rows, long totalRows)
    {
        Volatile.Write(ref _rows, rows);
        Volatile.Write(ref _totalRows, totalRows);
    }
}
