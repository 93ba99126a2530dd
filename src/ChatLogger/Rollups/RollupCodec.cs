using System.Buffers;

namespace ChatLogger.Rollups;

/// <summary>
/// The binary encoding of buckets: integers as varints (LEB128: seven bits per byte, least significant first, the eighth bit marks a
/// continuation). Lists are sorted and delta-encoded, so that equal buckets have equal bytes.
/// </summary>
internal static partial class RollupCodec
{
    public static byte[] Of(BucketCounts counts)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        foreach (
            var number in (ReadOnlySpan<long>)
                [counts.Chats, counts.Tokens, counts.PromptTokens, counts.CompletionTokens, counts.Up, counts.Down])
            Write(bytes, number);
        Write(bytes, counts.Roles.Length);
        foreach (var messages in counts.Roles)
            Write(bytes, messages);
        Write(bytes, counts.Latencies.Sum);
        Write(bytes, counts.Latencies.Max);
        var last = 0;
        foreach (var (bucket, count) in counts.Latencies.Buckets)
        {
            Write(bytes, bucket - last);
            Write(bytes, count);
            last = bucket;
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes counts and adds them.</summary>
    public static void Add(this BucketCounts counts, ReadOnlySpan<byte> bytes)
    {
        counts.Chats += Read(ref bytes);
        counts.Tokens += Read(ref bytes);
        counts.PromptTokens += Read(ref bytes);
        counts.CompletionTokens += Read(ref bytes);
        counts.Up += Read(ref bytes);
        counts.Down += Read(ref bytes);
        var roles = (int)Read(ref bytes);
        for (var role = 0; role < roles; role++)
            counts.Roles[role] += Read(ref bytes);
        var (sum, max) = (Read(ref bytes), Read(ref bytes));
        for (var bucket = 0; bytes.Length > 0;)
        {
            bucket += (int)Read(ref bytes);
            counts.Latencies.Add(bucket, Read(ref bytes));
        }
        counts.Latencies.Retain(sum, max);
    }

    /// <param name="people">The people to encode.</param>
    /// <param name="start">The start of the bucket in milliseconds since 1970; last-seen times are encoded relative to it.</param>
    public static byte[] Of(Dictionary<PersonKey, PersonUsage> people, long start)
    {
        var bytes = new ArrayBufferWriter<byte>(16 + (12 * people.Count));
        var last = default(PersonKey);
        foreach (var (person, use) in people.OrderBy(each => each.Key))
        {
            Write(bytes, person.Member - last.Member);
            Write(bytes, person.Member == last.Member ? person.EndUser - last.EndUser : person.EndUser);
            Write(bytes, use.Chats);
            Write(bytes, use.Messages);
            Write(bytes, use.Tokens);
            Write(bytes, use.LastSeenAt - start);
            last = person;
        }
        return bytes.WrittenSpan.ToArray();
    }

    public static PeopleReader People(ReadOnlySpan<byte> bytes, long start) => new(bytes, start);

    public static byte[] Of(Dictionary<int, TagCounts> tags)
    {
        var bytes = new ArrayBufferWriter<byte>(16 + (4 * tags.Count));
        var last = 0;
        foreach (var (tag, use) in tags.OrderBy(each => each.Key))
        {
            Write(bytes, tag - last);
            Write(bytes, use.Chats);
            Write(bytes, use.Messages);
            last = tag;
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes people and tags and adds them.</summary>
    public static void Add(this RollupBucket bucket, ReadOnlySpan<byte> people, ReadOnlySpan<byte> tags, long start)
    {
        for (var each = People(people, start); each.Next();)
            bucket.Add(each.Person, each.Use);
        for (var tag = 0; tags.Length > 0;)
        {
            tag += (int)Read(ref tags);
            bucket.AddTag(tag, new(Read(ref tags), Read(ref tags)));
        }
    }

    public static byte[] Of(Dictionary<int, ModelCounts> models)
    {
        var bytes = new ArrayBufferWriter<byte>(16 + (8 * models.Count));
        var last = 0;
        foreach (var (model, use) in models.OrderBy(each => each.Key))
        {
            Write(bytes, model - last);
            Write(bytes, use.Messages);
            Write(bytes, use.Tokens);
            Write(bytes, use.PromptTokens);
            Write(bytes, use.CompletionTokens);
            last = model;
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes models and adds them.</summary>
    public static void AddModels(this RollupBucket bucket, ReadOnlySpan<byte> models)
    {
        for (var model = 0; models.Length > 0;)
        {
            model += (int)Read(ref models);
            bucket.AddModel(model, new(Read(ref models), Read(ref models), Read(ref models), Read(ref models)));
        }
    }

    public static byte[] Of(ConversationCounts conversations)
    {
        if (conversations.IsEmpty)
            return [];
        var bytes = new ArrayBufferWriter<byte>(64);
        Write(bytes, conversations.WithFeedback);
        Write(bytes, conversations.Up);
        Write(bytes, conversations.Down);
        Write(bytes, conversations.Messages);
        Write(bytes, conversations.FirstAssistant);
        Write(bytes, conversations.Durations);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes conversations and adds them.</summary>
    public static void Add(this ConversationCounts conversations, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0)
            return;
        conversations.WithFeedback += Read(ref bytes);
        conversations.Up += Read(ref bytes);
        conversations.Down += Read(ref bytes);
        Read(ref bytes, conversations.Messages);
        Read(ref bytes, conversations.FirstAssistant);
        Read(ref bytes, conversations.Durations);
    }

    /// <summary>Decodes people one by one, without allocating a list.</summary>
    internal ref struct PeopleReader(ReadOnlySpan<byte> bytes, long start)
    {
        private ReadOnlySpan<byte> _bytes = bytes;

        public PersonKey Person { get; private set; }

        public PersonUsage Use { get; private set; }

        public bool Next()
        {
            if (_bytes.Length == 0)
                return false;
            var member = (int)Read(ref _bytes);
            var endUser = (int)Read(ref _bytes);
            Person = member == 0 ? new(Person.Member, Person.EndUser + endUser) : new(Person.Member + member, endUser);
            Use = new(Read(ref _bytes), Read(ref _bytes), Read(ref _bytes), start + Read(ref _bytes));
            return true;
        }
    }

    private static void Write(ArrayBufferWriter<byte> bytes, Histogram values)
    {
        Write(bytes, values.Sum);
        Write(bytes, values.Max);
        var buckets = values.Buckets.ToList();
        Write(bytes, buckets.Count);
        var last = 0;
        foreach (var (bucket, count) in buckets)
        {
            Write(bytes, bucket - last);
            Write(bytes, count);
            last = bucket;
        }
    }

    private static void Read(scoped ref ReadOnlySpan<byte> bytes, Histogram values)
    {
        var (sum, max, buckets) = (Read(ref bytes), Read(ref bytes), Read(ref bytes));
        for (var bucket = 0; buckets > 0; buckets--)
        {
            bucket += (int)Read(ref bytes);
            values.Add(bucket, Read(ref bytes));
        }
        values.Retain(sum, max);
    }

    private static void Write(ArrayBufferWriter<byte> bytes, long number)
    {
        var span = bytes.GetSpan(10);
        var length = 0;
        var rest = (ulong)number;
        for (; rest >= 0x80; rest >>= 7)
            span[length++] = (byte)(rest | 0x80);
        span[length++] = (byte)rest;
        bytes.Advance(length);
    }

    private static long Read(scoped ref ReadOnlySpan<byte> bytes)
    {
        ulong number = 0;
        for (var (i, shift) = (0, 0); ; i++, shift += 7)
        {
            number |= (ulong)(bytes[i] & 0x7F) << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return (long)number;
            }
        }
    }
}
