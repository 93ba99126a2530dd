using System.Text.Json;
using ChatLogger.Bench.Http;
using ChatLogger.Import;
using ChatLogger.Transcripts;

namespace ChatLogger.Bench;

/// <summary>A message as it is compared: metadata in its canonical spelling, so that equality of entries is equality of messages.</summary>
internal sealed record Entry(string Role, string Content, string Metadata)
{
    public static Entry Of(ImportedMessage message) =>
        new(message.Role, message.Content ?? "", JsonEquality.CanonicalMetadata(message.Metadata));

    public static Entry Of(JsonElement message)
    {
        message.TryGetProperty("metadata", out var metadata);
        return new Entry(Required("role"), Required("content"), JsonEquality.CanonicalMetadata(metadata));

        string Required(string name) => Problem.Text(message, name) ?? throw new ServiceException($"A message has no readable {name}.");
    }
}

/// <summary>
/// Compares the messages of a conversation with those of its chat, and says of each deviation what happened to which message.
/// </summary>
internal static class Transcript
{
    // Beyond this many cells the alignment table costs more than its answer is worth; then messages are compared position by position.
    private const long LargestTable = 16_000_000;

    public static List<Difference> Compare(FileEntry line, IReadOnlyList<Entry> stored)
    {
        Entry[] expected = [.. line.Conversation!.Messages.Select(Entry.Of)];
        var differences = new List<Difference>();
        if (expected.SequenceEqual(stored))
            return differences;

        var (lost, surplus) = Unaligned(expected, stored);

        // Each pass matches what it can; the passes are ordered from the most certain match to the least.
        Pair((from, to) => expected[from] == stored[to], (from, to) =>
            Add(Kind.OutOfOrder, from, "message", $"stands at {to}: {Excerpt.Of(expected[from].Content)}"));
        var known = expected.ToHashSet();
        foreach (var to in surplus.Where(to => known.Contains(stored[to])).ToList())
        {
            surplus.Remove(to);
            Add(Kind.Doubled, Array.LastIndexOf(expected, stored[to], Math.Min(to, expected.Length - 1)) is >= 0 and var from ? from : to,
                "message", $"again at {to}: {Excerpt.Of(stored[to].Content)}");
        }
        Pair((from, to) => expected[from].Content == stored[to].Content, Altered);
        Pair((from, to) => from == to, Altered);
        Pair((_, _) => true, Altered);
        foreach (var from in lost)
            Add(Kind.Missing, from, "message", Excerpt.Of(expected[from].Content));
        foreach (var to in surplus)
            Add(Kind.Unexpected, to, "message", Excerpt.Of(stored[to].Content));

        return differences;

        void Add(Kind kind, int index, string field, string detail) =>
            differences.Add(new Difference(kind, line.Number, line.Conversation.Id!, index, field, detail));

        void Pair(Func<int, int, bool> fits, Action<int, int> explain)
        {
            foreach (var to in surplus.ToList())
            {
                var at = lost.FindIndex(from => fits(from, to));
                if (at < 0)
                    continue;
                explain(lost[at], to);
                lost.RemoveAt(at);
                surplus.Remove(to);
            }
        }

        void Altered(int from, int to)
        {
            var (was, now) = (expected[from], stored[to]);
            var (field, before, after) = was.Content != now.Content ? ("content", was.Content, now.Content)
                : was.Role != now.Role ? ("role", was.Role, now.Role)
                : ("metadata", was.Metadata, now.Metadata);
            Add(Kind.Different, from, field, Difference.Between(before, after));
        }
    }

    /// <summary>The positions on either side that have no partner in a longest common subsequence.</summary>
    private static (List<int> Lost, List<int> Surplus) Unaligned(Entry[] expected, IReadOnlyList<Entry> stored)
    {
        var start = 0;
        while (start < expected.Length && start < stored.Count && expected[start] == stored[start])
            start++;
        var (rows, columns) = (expected.Length - start, stored.Count - start);
        while (rows > 0 && columns > 0 && expected[start + rows - 1] == stored[start + columns - 1])
            (rows, columns) = (rows - 1, columns - 1);

        var lost = new List<int>();
        var surplus = new List<int>();
        var length = (long)rows * columns <= LargestTable ? Table(expected, stored, start, rows, columns) : null;
        var (row, column) = (0, 0);
        while (row < rows && column < columns)
        {
            if (expected[start + row] == stored[start + column])
            {
                row++;
                column++;
            }
            else if (length is null)
            {
                lost.Add(start + row++);
                surplus.Add(start + column++);
            }
            else if (length[row + 1, column] >= length[row, column + 1])
            {
                lost.Add(start + row++);
            }
            else
            {
                surplus.Add(start + column++);
            }
        }
        lost.AddRange(Enumerable.Range(start + row, rows - row));
        surplus.AddRange(Enumerable.Range(start + column, columns - column));
        return (lost, surplus);
    }

    private static int[,] Table(Entry[] expected, IReadOnlyList<Entry> stored, int start, int rows, int columns)
    {
        var length = new int[rows + 1, columns + 1];
        for (var row = rows - 1; row >= 0; row--)
        {
            for (var column = columns - 1; column >= 0; column--)
            {
                length[row, column] = expected[start + row] == stored[start + column]
                    ? length[row + 1, column + 1] + 1
                    : Math.Max(length[row + 1, column], length[row, column + 1]);
            }
        }
        return length;
    }
}
