namespace ChatLogger.ExportJobs;

/// <summary>How far a file is: said by its writer, read by the heartbeat.</summary>
internal sealed class ExportProgress
{
    private long _rows;
    private long _totalRows = -1;

    public long Rows => Volatile.Read(ref _rows);

    /// <summary>Null while it is not known.</summary>
    public long? TotalRows => Volatile.Read(ref _totalRows) is >= 0 and var total ? total : null;

    public void Report(long rows, long totalRows)
    {
        Volatile.Write(ref _rows, rows);
        Volatile.Write(ref _totalRows, totalRows);
    }
}
