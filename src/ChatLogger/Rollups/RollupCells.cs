using System.Buffers;

namespace ChatLogger.Rollups;

/// <summary>
/// The cells of a bucket in the order of their keys: its totals, a cell for each value of a histogram, for each model, tag and person. They
/// are stored in rows of at most <see cref="MaxBytes"/>, each of which has the cells from one key on and before the next row's, so that
/// a change writes few bytes, however many people a bucket has.
/// </summary>
/// <remarks>
/// A row is a list of varints (see <see cref="RollupCodec"/>): a kind; for each cell how far it is from the one before, and its numbers;
/// then 0 and the next kind.
/// </remarks>
internal sealed class RollupCells
{
    /// <summary>The longest row. A longer one is cut into rows of <see cref="CutBytes"/>, which leaves them room to grow.</summary>
    private const int MaxBytes = 1_024, CutBytes = 768;

    private const int KindShift = 58, MemberShift = 29;

    private readonly List<(long Key, int End)> _cells = [];
    private readonly ArrayBufferWriter<byte> _numbers = new(64);

    /// <summary>The kinds, in their order: what changes together is together. New ones must be added at the end.</summary>
    public enum Kind
    {
        Totals,
        Conversations,
        Latency,
        MessagesPerChat,
        FirstAssistant,
        Duration,
        Model,
        Tag,
        Person,
    }

    /// <summary>The first key of a kind.</summary>
    public static long First(Kind kind) => (long)kind << KindShift;

    /// <summary>The key of a cell by its number within the kind.</summary>
    public static long Key(Kind kind, long number) => First(kind) + number;

    public static long Key(PersonKey person) => Key(Kind.Person, Number(person));

    public static RollupCells Of(RollupBucket bucket, long start)
    {
        var cells = new RollupCells();
        var (counts, conversations) = (bucket.Counts, bucket.Conversations);
        if (!counts.IsEmpty)
            cells.Add(
                First(Kind.Totals),
                [
                    counts.Chats, counts.Tokens, counts.PromptTokens, counts.CompletionTokens, counts.Up, counts.Down,
                    counts.Latencies.Sum, counts.Latencies.Max, counts.Roles.Length, .. counts.Roles,
                ]);
        if (!conversations.IsEmpty)
            cells.Add(
                First(Kind.Conversations),
                [
                    conversations.WithFeedback, conversations.Up, conversations.Down,
                    conversations.Messages.Sum, conversations.Messages.Max,
                    conversations.FirstAssistant.Sum, conversations.FirstAssistant.Max,
                    conversations.Durations.Sum, conversations.Durations.Max,
                ]);
        cells.Add(Kind.Latency, counts.Latencies);
        cells.Add(Kind.MessagesPerChat, conversations.Messages);
        cells.Add(Kind.FirstAssistant, conversations.FirstAssistant);
        cells.Add(Kind.Duration, conversations.Durations);
        foreach (var (model, use) in bucket.Models.OrderBy(each => each.Key))
            cells.Add(Key(Kind.Model, model), [use.Messages, use.Tokens, use.PromptTokens, use.CompletionTokens]);
        foreach (var (tag, use) in bucket.Tags.OrderBy(each => each.Key))
            cells.Add(Key(Kind.Tag, tag), [use.Chats, use.Messages]);
        foreach (var (person, use) in bucket.People.OrderBy(each => each.Key))
            cells.Add(Key(person), [use.Chats, use.Messages, use.Tokens, use.LastSeenAt - start]);
        return cells;
    }

    /// <summary>Adds the cells of a row to what is given; null: they are not needed.</summary>
    public static void Read(
        ReadOnlySpan<byte> row, long start, BucketCounts? counts, ConversationCounts? conversations = null, RollupBucket? bucket = null)
    {
        while (row.Length > 0)
        {
            var kind = (Kind)RollupCodec.Read(ref row);
            for (var number = -1L; row.Length > 0 && RollupCodec.Read(ref row) is var delta and > 0;)
            {
                number += delta;
                switch (kind)
                {
                    case Kind.Totals:
                        ReadTotals(ref row, counts ?? new());
                        break;
                    case Kind.Conversations:
                        ReadConversations(ref row, conversations ?? new());
                        break;
                    case Kind.Latency:
                        AddTo(counts?.Latencies, number, RollupCodec.Read(ref row));
                        break;
                    case Kind.MessagesPerChat:
                        AddTo(conversations?.Messages, number, RollupCodec.Read(ref row));
                        break;
                    case Kind.FirstAssistant:
                        AddTo(conversations?.FirstAssistant, number, RollupCodec.Read(ref row));
                        break;
                    case Kind.Duration:
                        AddTo(conversations?.Durations, number, RollupCodec.Read(ref row));
                        break;
                    case Kind.Model:
                        var model = new ModelCounts(
                            RollupCodec.Read(ref row), RollupCodec.Read(ref row), RollupCodec.Read(ref row), RollupCodec.Read(ref row));
                        bucket?.AddModel((int)number, model);
                        break;
                    case Kind.Tag:
                        var tag = new TagCounts(RollupCodec.Read(ref row), RollupCodec.Read(ref row));
                        bucket?.AddTag((int)number, tag);
                        break;
                    case Kind.Person:
                        var use = new PersonUsage(
                            RollupCodec.Read(ref row), RollupCodec.Read(ref row), RollupCodec.Read(ref row),
                            start + RollupCodec.Read(ref row));
                        bucket?.Add(new PersonKey((int)(number >> MemberShift), (int)(number & ((1 << MemberShift) - 1))), use);
                        break;
                    default:
                        throw new InvalidDataException($"A rollup has cells of an unknown kind, {kind}.");
                }
            }
        }
    }

    /// <summary>The rows with the cells from one key on and before another, each with its first key.</summary>
    public List<(long First, byte[] Cells)> Rows(long from, long until)
    {
        var rows = Rows(from, until, MaxBytes);
        return rows.Count < 2 ? rows : Rows(from, until, CutBytes);
    }

    private List<(long First, byte[] Cells)> Rows(long from, long until, int most)
    {
        var rows = new List<(long First, byte[] Cells)>();
        var row = new ArrayBufferWriter<byte>(most + 64);
        var (rowFirst, last) = (from, -1L);
        for (var i = IndexOf(from); i < _cells.Count && _cells[i].Key < until; i++)
        {
            var (begin, (key, end)) = (i == 0 ? 0 : _cells[i - 1].End, _cells[i]);
            // A head is at most 11 bytes.
            if (row.WrittenCount > 0 && row.WrittenCount + 11 + end - begin > most)
            {
                rows.Add((rowFirst, row.WrittenSpan.ToArray()));
                row.ResetWrittenCount();
                (rowFirst, last) = (key, -1);
            }
            WriteHead(row, last, key);
            row.Write(_numbers.WrittenSpan[begin..end]);
            last = key;
        }
        if (row.WrittenCount > 0)
            rows.Add((rowFirst, row.WrittenSpan.ToArray()));
        return rows;
    }

    // The first cell with this key or a greater one.
    private int IndexOf(long key)
    {
        var (low, high) = (0, _cells.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _cells[middle].Key < key ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    // last -1: the row begins here.
    private static void WriteHead(ArrayBufferWriter<byte> row, long last, long key)
    {
        var kind = key >> KindShift;
        if (last < 0 || last >> KindShift != kind)
        {
            if (last >= 0)
                RollupCodec.Write(row, 0);
            RollupCodec.Write(row, kind);
            last = First((Kind)kind) - 1;
        }
        RollupCodec.Write(row, key - last);
    }

    private void Add(Kind kind, Histogram values)
    {
        foreach (var (bucket, count) in values.Buckets)
            Add(Key(kind, bucket), [count]);
    }

    private void Add(long key, ReadOnlySpan<long> numbers)
    {
        foreach (var number in numbers)
            RollupCodec.Write(_numbers, number);
        _cells.Add((key, _numbers.WrittenCount));
    }

    private static long Number(PersonKey person) =>
        person.EndUser < 1 << MemberShift && person.Member < 1 << MemberShift
            ? ((long)person.Member << MemberShift) + person.EndUser
            : throw new InvalidOperationException("An organization has more names than rollups can count.");

    private static void ReadTotals(ref ReadOnlySpan<byte> row, BucketCounts counts)
    {
        counts.Chats += RollupCodec.Read(ref row);
        counts.Tokens += RollupCodec.Read(ref row);
        counts.PromptTokens += RollupCodec.Read(ref row);
        counts.CompletionTokens += RollupCodec.Read(ref row);
        counts.Up += RollupCodec.Read(ref row);
        counts.Down += RollupCodec.Read(ref row);
        counts.Latencies.Retain(RollupCodec.Read(ref row), RollupCodec.Read(ref row));
        var roles = (int)RollupCodec.Read(ref row);
        for (var role = 0; role < roles; role++)
            counts.Roles[role] += RollupCodec.Read(ref row);
    }

    private static void ReadConversations(ref ReadOnlySpan<byte> row, ConversationCounts conversations)
    {
        conversations.WithFeedback += RollupCodec.Read(ref row);
        conversations.Up += RollupCodec.Read(ref row);
        conversations.Down += RollupCodec.Read(ref row);
        foreach (var values in (ReadOnlySpan<Histogram>)[conversations.Messages, conversations.FirstAssistant, conversations.Durations])
            values.Retain(RollupCodec.Read(ref row), RollupCodec.Read(ref row));
    }

    private static void AddTo(Histogram? values, long bucket, long count) => values?.Add((int)bucket, count);
}
