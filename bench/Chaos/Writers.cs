using System.Collections.Concurrent;
using System.Globalization;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Plugins that write without a pause, one operation after the other: messages to shared chats and to chats of their own, sometimes
/// a chat, and sometimes something that must be refused.
/// </summary>
internal sealed class Writers(Plugin plugin, Journal journal, int count, int seed)
{
    private static readonly string[] Fillers =
    [
        "Where is my order?",
        "Größe 42, \"Farbe\" blau\r\n\tund ein Ω",
        "=1+1 'quoted' \\n {\"json\":[1,2]}",
        "emoji 😀👩‍👩‍👧 and \u202Eturned\u202C and \u0001",
    ];

    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(20);

    private readonly Writer[] writers = [.. Enumerable.Range(0, count).Select(number => new Writer(number, seed))];
    private readonly List<string> chats = [];
    private readonly ConcurrentQueue<Operation> open = new();
    private readonly ConcurrentDictionary<string, long> surprises = new();
    private Task running = Task.CompletedTask;
    private volatile bool fault;
    private volatile bool stopping;
    private long slowest;
    private ConcurrentQueue<TimeSpan> latencies = [];

    /// <summary>Responses that must not occur, and how often they did.</summary>
    public IReadOnlyDictionary<string, long> Surprises => surprises;

    /// <summary>The pause of each writer between two operations. None, unless the plan or a fault requests it.</summary>
    public TimeSpan Rest { get; set; }

    /// <summary>How long each acknowledged write took since the last call.</summary>
    public List<TimeSpan> TakeLatencies() => [.. Interlocked.Exchange(ref latencies, [])];

    public TimeSpan Slowest => new(Interlocked.Read(ref slowest));

    /// <summary>Set by the drill: requests sent from now on may fail.</summary>
    public bool Fault { set => fault = value; }

    /// <summary>The chats that all write to.</summary>
    public async Task Prepare(int many)
    {
        for (var n = 0; n < many; n++)
        {
            var chat = new Operation($"c{n}", Kind.Chat, null, $"c{n}", $"c{n} a chat of all");
            await Send(chat);
            chats.Add(
                chat.Status == OperationStatus.Acknowledged
                    ? chat.Id
                    : throw new UsageException("The service did not take the first chats; its log says why."));
        }
    }

    public void Start()
    {
        stopping = false;
        running = Task.WhenAll(writers.Select(writer => Task.Run(() => Write(writer))));
    }

    public Task Stop()
    {
        stopping = true;
        return running;
    }

    /// <summary>In addition to what the writers write: all at once.</summary>
    public async Task SendTogether(IReadOnlyCollection<Operation> operations)
    {
        await Task.WhenAll(operations.Select(async operation =>
        {
            operation.DuringFault = fault;
            if ((await Send(operation)).OperationStatus == OperationStatus.Unknown)
                open.Enqueue(operation);
        }));
    }

    /// <summary>A chat that all write to.</summary>
    public string SharedChat => chats[0];

    /// <summary>Waits until each writer has had something acknowledged that it sent after this moment.</summary>
    public async Task<bool> AllSucceed(TimeSpan timeout)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (writers.Any(writer => Volatile.Read(ref writer.Succeeded) < since))
        {
            if (TimeProvider.System.GetElapsedTime(since) > timeout)
                return false;
            await Task.Delay(5);
        }
        return true;
    }

    /// <summary>Retries, with the same key and body, until each outcome is certain.</summary>
    /// <returns>How many outcomes are still unknown.</returns>
    public async Task<int> Replay(TimeSpan timeout)
    {
        var since = TimeProvider.System.GetTimestamp();
        var mine = new List<Operation>();
        while (open.TryDequeue(out var operation))
            mine.Add(operation);
        await Parallel.ForEachAsync(
            mine,
            new ParallelOptions { MaxDegreeOfParallelism = count },
            async (operation, _) =>
            {
                while (
                    (await Send(operation)).OperationStatus == OperationStatus.Unknown
                    && TimeProvider.System.GetElapsedTime(since) < timeout)
                    await Task.Delay(AfterFailure * 5, CancellationToken.None);
            });
        return mine.Count(operation => operation.Status == OperationStatus.Unknown);
    }

    private async Task Write(Writer writer)
    {
        while (!stopping)
        {
            var operation = writer.Next(chats);
            operation.DuringFault = fault;
            var sent = TimeProvider.System.GetTimestamp();
            var reply = await Send(operation);
            switch (reply.OperationStatus)
            {
                case OperationStatus.Acknowledged:
                    Volatile.Write(ref writer.Succeeded, sent);
                    latencies.Enqueue(reply.Took);
                    writer.Keep(operation);
                    break;
                case OperationStatus.Unknown:
                    open.Enqueue(operation);
                    await Task.Delay(AfterFailure);
                    break;
            }
            if (Rest > TimeSpan.Zero)
                await Task.Delay(Rest);
        }
    }

    private async Task<Reply> Send(Operation operation)
    {
        journal.Sending(operation);
        var reply = await plugin.Send(operation);
        journal.Answered(operation, reply);

        InterlockedMax(ref slowest, reply.Took.Ticks);
        var surprise = reply switch
        {
            { OperationStatus: OperationStatus.Acknowledged } => operation.Acceptable ? null : "201 for what must be refused",
            { OperationStatus: OperationStatus.Refused } => operation.Acceptable ? reply.Reason : null,
            { Status: 0 } => reply.Reason == "no answer in time" ? reply.Reason : null,
            { Status: 409 } => operation.WasUnknown ? null : reply.Reason,
            { Status: 503 } => null,
            _ => reply.Reason,
        };
        if (surprise is not null)
            surprises.AddOrUpdate(surprise, 1, (_, times) => times + 1);
        return reply;
    }

    private static void InterlockedMax(ref long place, long value)
    {
        for (var known = Interlocked.Read(ref place); known < value; known = Interlocked.Read(ref place))
        {
            if (Interlocked.CompareExchange(ref place, value, known) == known)
                return;
        }
    }

    private sealed class Writer(int number, int seed)
    {
        private readonly Random random = new(seed + number);
        private readonly List<string> own = [];
        private Operation? last;
        private int sent;

        /// <summary>When the last acknowledged operation was sent.</summary>
        public long Succeeded;

        public Operation Next(List<string> shared)
        {
            var token = string.Create(CultureInfo.InvariantCulture, $"w{number}-{++sent:D7}");
            var filler = Fillers[random.Next(Fillers.Length)];
            var dice = random.Next(200);
            if (dice < 6)
                return new(token, Kind.Chat, null, token, $"{token} {filler.Replace('\u0001', '!')}");
            var chat = own.Count > 0 && dice < 60 ? own[^1] : shared[random.Next(shared.Count)];
            var text = $"{token} {(dice == 199 ? string.Concat(Enumerable.Repeat(filler, 400)) : filler)}";
            return dice switch
            {
                197 => new(token, Kind.Message, chat, token, text, Acceptable: false, Role: "nobody"),
                // A key that another body has used already: 422.
                198 when last is { } other => new(token, Kind.Message, other.ChatId, other.Key, text, Acceptable: false),
                _ => new(token, Kind.Message, chat, token, text),
            };
        }

        public void Keep(Operation operation)
        {
            if (operation.Kind == Kind.Chat)
                own.Add(operation.Id);
            else
                last = operation;
        }
    }
}
