using System.Buffers;
using System.Text;
using CsvHelper;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Writes rows as RFC 4180 defines them. A cell that a spreadsheet would take for a formula, because it begins with <c>= + - @</c>, TAB,
/// CR, LF or a full-width form of them, is prefixed with an apostrophe (CSV injection).
/// </summary>
internal sealed class CsvRows : IDisposable
{
    // RFC 4180 does not require quotes for these, but some readers guess the separator.
    private static readonly SearchValues<byte> OtherSeparators = SearchValues.Create(";\t"u8);

    private readonly CsvWriter _csv;
    private readonly CsvTimes _times;
    private readonly ArrayBufferWriter<byte> _cell = new(256);

    public CsvRows(IBufferWriter<byte> output, ExportStyle style, params ReadOnlySpan<string> columns)
    {
        _times = new(style.LocalTimes);
        _csv = CsvWriter.Create(
            new BufferStream(output),
            new CsvWriterOptions { WriteByteOrderMark = style.Bom, Quoting = CsvQuoting.WhenNeededOrWhitespace },
            leaveOpen: true);
        _csv.WriteHeader(columns);
    }

    public void Cell(ReadOnlySpan<byte> text)
    {
        if (IsFormula(text))
        {
            _cell.ResetWrittenCount();
            _cell.Byte((byte)'\'');
            _cell.Write(text);
            text = _cell.WrittenSpan;
        }
        if (text.ContainsAny(OtherSeparators))
            _csv.WriteField(Encoding.UTF8.GetString(text), CsvQuoting.Always);
        else
            _csv.WriteField(text);
    }

    public void Cell(Guid? id) => _csv.WriteField(id);

    public void Cell(int? number) => _csv.WriteField(number);

    public void Cell(DateTime? utc)
    {
        _cell.ResetWrittenCount();
        _times.Cell(_cell, utc);
        _csv.WriteField(_cell.WrittenSpan);
    }

    public void EndRow() => _csv.EndRecord();

    /// <summary>Flushes the cells so far to the output.</summary>
    public void Flush() => _csv.Flush();

    public void Dispose() => _csv.Dispose();

    // In UTF-8 the full-width signs U+FF1D, U+FF0B, U+FF0D and U+FF20 are EF BC 9D, EF BC 8B, EF BC 8D and EF BC A0.
    private static bool IsFormula(ReadOnlySpan<byte> text) => text is
        [(byte)'=' or (byte)'+' or (byte)'-' or (byte)'@' or (byte)'\t' or (byte)'\r' or (byte)'\n', ..]
        or [0xEF, 0xBC, 0x9D or 0x8B or 0x8D or 0xA0, ..];

    private sealed class BufferStream(IBufferWriter<byte> output) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer) => output.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
