using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace ChatLogger.SearchIndex;

/// <summary>
/// The words of a batch that may be missing from the dictionary of an organization. The words that are known to be in it are remembered by
/// hashes of 64 bits, because looking each word up for each batch costs as much as a tenth of the indexing.
/// </summary>
internal sealed class NewWords(HashSet<ulong> known)
{
    private readonly Dictionary<ulong, (string Word, int Token)> _words = [];

    public IReadOnlyCollection<(string Word, int Token)> Words => _words.Values;

    public void Add(ReadOnlySpan<char> word, int token)
    {
        var hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(word));
        if (!known.Contains(hash) && !_words.ContainsKey(hash))
            _words.Add(hash, (word.ToString(), token));
    }

    /// <summary>Remembers the words: they are in the dictionary now.</summary>
    public void Committed() => known.UnionWith(_words.Keys);
}
