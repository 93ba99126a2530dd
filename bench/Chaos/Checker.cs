namespace ChatLogger.Bench.Chaos;

/// <summary>How a promise was broken.</summary>
internal enum ViolationKind
{
    /// <summary>Acknowledged, but not stored.</summary>
    Lost,

    /// <summary>Stored more than once.</summary>
    Doubled,

    /// <summary>Stored, but never sent.</summary>
    Invented,

    /// <summary>Stored with another text, or in another chat.</summary>
    Changed,

    /// <summary>Stored under another id than the acknowledged one.</summary>
    Renamed,

    /// <summary>Read before what had been acknowledged before it was sent.</summary>
    Reordered,

    /// <summary>Refused, but stored nevertheless.</summary>
    Refused,

    /// <summary>The counts of analytics differ from those of the rows.</summary>
    Miscounted,

    /// <summary>A wrong response, none in time, a service that ended, or one that did not recover.</summary>
    Misbehaved,
}

internal sealed record Violation(ViolationKind Kind, string Sentence);

/// <summary>What one way of reading returned: chats, and messages in the order of their chat.</summary>
internal sealed record Row(Kind Kind, string Id, string? ChatId, string Text);

/// <summary>
/// Compares the responses to the writers with what is read: acknowledged ⊆ read ⊆ sent, each once, with id, text and chat unchanged,
/// refused ones absent, and in an order that respects acknowledgement: what was acknowledged before another was sent is read before it.
/// That holds across writers, and so for each of them too.
/// </summary>
internal static class Checker
{
    /// <summary>Compares the rows with the chats and messages that analytics counts.</summary>
    public static IEnumerable<Violation> Count(IReadOnlyCollection<Row> read, (long Chats, long Messages) counted)
    {
        (long Chats, long Messages) there = (read.Count(row => row.Kind == Kind.Chat), read.Count(row => row.Kind == Kind.Message));
        if (counted != there)
            yield return new(
                ViolationKind.Miscounted,
                $"analytics count {counted.Chats} chats and {counted.Messages} messages, and there are {there.Chats} and {there.Messages}");
    }

    public static List<Violation> Check(IEnumerable<Operation> sent, IEnumerable<Row> read)
    {
        var findings = new List<Violation>();
        var operations = sent.ToDictionary(operation => operation.Token);
        var acknowledged = operations
            .Values.Where(operation => operation.Status == OperationStatus.Acknowledged)
            .ToDictionary(operation => (operation.Kind, operation.Id));
        var seen = new HashSet<Operation>(ReferenceEqualityComparer.Instance);
        var chats = new Dictionary<string, List<Operation>>();

        foreach (var row in read)
        {
            var byText = operations.GetValueOrDefault(Operation.TokenOf(row.Text));
            var operation = byText?.Kind == row.Kind ? byText : acknowledged.GetValueOrDefault((row.Kind, row.Id));
            if (operation is null)
            {
                Add(ViolationKind.Invented, $"{row.Kind} {row.Id} was never sent: {Excerpt.Of(row.Text)}");
                continue;
            }
            if (!seen.Add(operation))
            {
                Add(ViolationKind.Doubled, $"{operation.Token} is there again as {row.Id}");
                continue;
            }
            if (operation.Status == OperationStatus.Refused)
                Add(ViolationKind.Refused, $"{operation.Token} was refused and is there as {row.Id}");
            else if (operation.Status == OperationStatus.Acknowledged && operation.Id != row.Id)
                Add(ViolationKind.Renamed, $"{operation.Token} was acknowledged as {operation.Id} and is there as {row.Id}");
            if (!string.Equals(operation.Text, row.Text, StringComparison.Ordinal))
            {
                var parting = Excerpt.Parting(operation.Text, row.Text);
                Add(
                    ViolationKind.Changed,
                    $"{operation.Token} was {Excerpt.Of(operation.Text, parting)} and is {Excerpt.Of(row.Text, parting)}");
            }
            if (operation.ChatId != row.ChatId)
                Add(ViolationKind.Changed, $"{operation.Token} was sent to chat {operation.ChatId} and is in {row.ChatId}");
            if (row.ChatId is { } chat)
            {
                if (!chats.TryGetValue(chat, out var messages))
                    chats.Add(chat, messages = []);
                messages.Add(operation);
            }
        }

        foreach (var operation in acknowledged.Values.Where(operation => !seen.Contains(operation)))
            Add(ViolationKind.Lost, $"{operation.Token} was acknowledged as {operation.Id} and is not there");
        foreach (var messages in chats.Values)
            CheckOrder(messages);
        return findings;

        // From the last to the first: of all that is read after a message, the one that was acknowledged earliest.
        void CheckOrder(List<Operation> messages)
        {
            Operation? earliest = null;
            for (var i = messages.Count - 1; i >= 0; i--)
            {
                if (earliest is not null && earliest.Answered < messages[i].Sent)
                    Add(
                        ViolationKind.Reordered,
                        $"{messages[i].Token} is read before {earliest.Token}, which was acknowledged before it was sent");
                if (earliest is null || messages[i].Answered < earliest.Answered)
                    earliest = messages[i];
            }
        }

        void Add(ViolationKind harm, string sentence) => findings.Add(new(harm, sentence));
    }
}
