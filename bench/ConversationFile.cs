using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ChatLogger.Bench;

/// <summary>A line that was read: a conversation, or the reason why it is not one.</summary>
internal sealed record FileLine(long Number, Conversation? Conversation, string? Error);

/// <summary>Reads conversations one at a time, so that memory does not grow with the file. Gzip is recognized by its first bytes.</summary>
internal sealed class ConversationFile(Stream source, long limit = long.MaxValue) : IAsyncDisposable
{
    private const int LongestLine = 64 * 1024 * 1024;

    private long taken;

    /// <summary>How much has been read, 0 to 1; unknown for a pipe without a limit.</summary>
    public double? Fraction { get; private set; }

    public async IAsyncEnumerable<FileLine> Read([EnumeratorCancellation] CancellationToken stop = default)
    {
        long number = 0;
        await foreach (var (line, error) in Lines(stop))
        {
            number++;
            if (error is null && IsBlank(line))
                continue;

            if (source.CanSeek && source.Length > 0)
                Fraction = (double)source.Position / source.Length;
            if (limit != long.MaxValue)
                Fraction = Math.Max(Fraction ?? 0, (double)taken / limit);

            yield return error is null ? Parse(number, line) : new FileLine(number, null, error);
            if (++taken >= limit)
                yield break;
        }
        Fraction = 1;
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private static FileLine Parse(long number, ReadOnlyMemory<byte> line)
    {
        try
        {
            return new FileLine(number, Conversation.Parse(number, line.Span), null);
        }
        catch (FormatException e)
        {
            return new FileLine(number, null, e.Message);
        }
    }

    private async IAsyncEnumerable<(ReadOnlyMemory<byte> Line, string? Error)> Lines([EnumeratorCancellation] CancellationToken stop)
    {
        var (pipe, broken) = await Unpacked(stop);
        var first = true;
        var tooLong = false;
        long searched = 0;
        while (broken is null)
        {
            (var read, broken) = await Next(pipe, stop);
            if (broken is not null)
                break;

            var buffer = read.Buffer;
            while (buffer.Slice(searched).PositionOf((byte)'\n') is { } end)
            {
                yield return tooLong ? (default, TooLong) : (Line(buffer.Slice(0, end), first), null);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                (first, tooLong, searched) = (false, false, 0);
            }

            if (read.IsCompleted)
            {
                if (tooLong)
                    yield return (default, TooLong);
                else if (!buffer.IsEmpty)
                    yield return (Line(buffer, first), null);
                yield break;
            }

            tooLong |= buffer.Length > LongestLine;
            searched = tooLong ? 0 : buffer.Length;
            pipe.AdvanceTo(tooLong ? buffer.End : buffer.Start, buffer.End);
        }
        yield return (default, $"the file cannot be read further: {broken}");
    }

    private static string TooLong => $"longer than {LongestLine / (1024 * 1024)} MiB";

    private async Task<(PipeReader Pipe, string? Broken)> Unpacked(CancellationToken stop)
    {
        var raw = PipeReader.Create(source, new StreamPipeReaderOptions(leaveOpen: true));
        while (true)
        {
            var (read, broken) = await Next(raw, stop);
            if (broken is not null)
                return (raw, broken);

            var start = read.Buffer.Slice(0, Math.Min(2, read.Buffer.Length)).ToArray();
            var enough = start.Length == 2 || read.IsCompleted;
            raw.AdvanceTo(read.Buffer.Start, enough ? read.Buffer.Start : read.Buffer.End);
            if (enough)
            {
                return start is [0x1f, 0x8b]
                    ? (
                        PipeReader.Create(
                            new GZipStream(raw.AsStream(), CompressionMode.Decompress),
                            new StreamPipeReaderOptions(bufferSize: 65536)),
                        null)
                    : (raw, null);
            }
        }
    }

    // A terminal or a pipe cannot be asked to give up a read, so the wait is given up instead.
    private static async Task<(ReadResult Read, string? Broken)> Next(PipeReader pipe, CancellationToken stop)
    {
        try
        {
            return (await pipe.ReadAsync(CancellationToken.None).AsTask().WaitAsync(stop), null);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return (default, e.Message);
        }
    }

    private static ReadOnlyMemory<byte> Line(ReadOnlySequence<byte> bytes, bool first)
    {
        var line = bytes.ToArray().AsMemory();
        return first && line.Span.StartsWith("\uFEFF"u8) ? line[3..] : line;
    }

    private static bool IsBlank(ReadOnlyMemory<byte> line) => !line.Span.ContainsAnyExcept(" \t\r"u8);
}
