using System.Buffers;

namespace ChatLogger.ExportJobs;

/// <summary>What the layouts of <c>csv</c> have in common: a file is a header and rows of the same columns.</summary>
internal abstract class CsvFormat : IExportFormat
{
    public string Name => "csv";

    public abstract string? Layout { get; }

    public string ContentType => "text/csv; charset=utf-8; header=present";

    public string FileExtension => "csv";

    public virtual bool CountsMessages => false;

    public virtual bool NeedsTotals => false;

    protected abstract string[] Columns { get; }

    public IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style) => Begin(output, new CsvRows(output, style, Columns));

    /// <summary>Returns the writer of the rows; the header is written.</summary>
    protected abstract IExportRowWriter Begin(IBufferWriter<byte> output, CsvRows rows);
}
