using System.Runtime.CompilerServices;
using ChatLogger.Import;

namespace ChatLogger.Bench;

/// <summary>The first conversations of a corpus, and how much of it has been read. It is read as <c>import</c> reads it.</summary>
internal sealed class ConversationFile(Stream source, long limit = long.MaxValue) : IAsyncDisposable
{
    private readonly ImportFile file = new(source, "corpus", format: "conversations");

    /// <summary>How much has been read, 0 to 1; unknown for a pipe without a limit.</summary>
    public double? Fraction { get; private set; }

    public async IAsyncEnumerable<FileEntry> Read([EnumeratorCancellation] CancellationToken stop = default)
    {
        long taken = 0;
        await foreach (var entry in file.Read(stop))
        {
            if (file.Progress is { Length: > 0 } bytes)
                Fraction = (double)bytes.Read / bytes.Length;
            if (limit != long.MaxValue)
                Fraction = Math.Max(Fraction ?? 0, (double)taken / limit);
            yield return entry;
            if (++taken >= limit)
                yield break;
        }
        Fraction = 1;
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();
}
