namespace ChatLogger.Features;

/// <summary>A message that a conversation has, or had until it was deleted. A value, because thousands of them are kept.</summary>
/// <param name="Id">The message; null: deleted.</param>
/// <param name="Role">Its role; null where it is deleted.</param>
/// <param name="Fingerprint">The hash of what it says.</param>
/// <param name="ExchangeId">The exchange whose answer it is; null: none, or not known.</param>
/// <param name="Position">The number under which an integration has written it; null: written otherwise, or long ago.</param>
/// <param name="QuestionOf">The exchange that it was asked in, where it was written before the answer; null: none, or not known.</param>
internal readonly record struct KnownMessage(
    Guid? Id, string? Role, Fingerprint Fingerprint, string? ExchangeId, int? Position, string? QuestionOf = null);

/// <summary>A message of an exchange that may be known already.</summary>
internal readonly record struct SaidMessage(string Role, Fingerprint Fingerprint, bool IsAnswer)
{
    /// <summary>The exchange that asks this and has no answer yet; null: it has one, or does not come in pieces.</summary>
    public string? QuestionOf { get; init; }

    /// <summary>The hash of what it said before anything was replaced in it; null: the same.</summary>
    public Fingerprint? FingerprintAsSent { get; init; }

    public bool IsInstruction => Role is "system" or "developer";

    public bool Says(KnownMessage there) =>
        there.Fingerprint == Fingerprint || there.Fingerprint == FingerprintAsSent;
}

/// <summary>
/// Decides which messages of an exchange a conversation does not have yet. Position and content decide: a sender that repeats the
/// conversation, or a part of it, with each exchange adds only what follows the last message that is known; a sender that does not repeat
/// anything adds all that it sends, although somebody may have said the same before.
/// </summary>
internal static class History
{
    /// <summary>
    /// The number of messages from the end of a conversation that are compared with what a sender repeats. One that repeats more than this
    /// is compared with the end.
    /// </summary>
    public const int MostCompared = 1_000;

    /// <summary>Returns the places, in order, of the messages that must be added.</summary>
    /// <param name="known">The messages of the conversation, in order.</param>
    /// <param name="said">The messages of the exchange: what was said to the model, then its answers.</param>
    /// <param name="exchangeId">The exchange.</param>
    public static IReadOnlyList<int> Missing(IReadOnlyList<KnownMessage> known, IReadOnlyList<SaidMessage> said, string exchangeId)
    {
        var answersFrom = 0;
        while (answersFrom < said.Count && !said[answersFrom].IsAnswer)
            answersFrom++;
        var from = 0;
        while (from < answersFrom && said[from].IsInstruction)
            from++;
        if (known.Count == 0)
            return [.. Enumerable.Range(0, said.Count)];

        bool Same(KnownMessage there, SaidMessage here) => here.Says(there)
            && (!here.IsAnswer || there.ExchangeId == exchangeId || (there.ExchangeId is null && answersFrom > 0));

        IReadOnlyList<int> Answers(IEnumerable<KnownMessage> among) =>
            [.. Enumerable.Range(answersFrom, said.Count - answersFrom).Where(at => !among.Any(there => Same(there, said[at])))];

        // The question was written before its answer came, and others may have spoken since.
        var asked = answersFrom == 0 ? -1 : known.Count - 1;
        while (asked >= 0 && !(known[asked].QuestionOf == exchangeId && said[answersFrom - 1].Says(known[asked])))
            asked--;
        if (asked >= 0)
            return Answers(known.Where((there, at) => at > asked || there.ExchangeId == exchangeId));
        // What was said to the model is written before its answers, unless they came first.
        if (known.Any(there => there.ExchangeId == exchangeId))
        {
            return answersFrom == 0 || known.Any(said[answersFrom - 1].Says)
                ? Answers(known)
                : [answersFrom - 1, .. Answers(known)];
        }

        var spoken = known.Where(there => there.Role is not ("system" or "developer")).TakeLast(MostCompared).ToList();
        IReadOnlyList<SaidMessage> rest = [.. said.Skip(from)];
        var repeats = rest.Any(message => message is { IsAnswer: false, Role: "assistant" });
        var last = repeats
            ? LastRepeated(spoken, rest, answersFrom - from, Same)
            : LastOfSameTurn(spoken, rest, answersFrom - from, Same);
        var missing = Enumerable.Range(from + last + 1, rest.Count - last - 1);
        if (last >= 0)
            return [.. missing];
        var instructions = Enumerable.Range(0, from).Where(at => !known.Any(there => said[at].Says(there)));
        return [.. instructions, .. missing];
    }

    /// <summary>
    /// The place of the last message that is repeated. Where the conversation ends with what the sender begins with, that is it, also if it
    /// stands earlier too; otherwise the turn came late, or not everything is repeated as it was.
    /// </summary>
    private static int LastRepeated(
        List<KnownMessage> known, IReadOnlyList<SaidMessage> said, int asked, Func<KnownMessage, SaidMessage, bool> same)
    {
        for (var overlap = Math.Min(known.Count, asked); overlap > 1; overlap--)
        {
            var begins = known.Count - overlap;
            var at = 0;
            while (at < overlap && same(known[begins + at], said[at]))
                at++;
            if (at == overlap)
                return overlap - 1;
        }
        return LastCommon(known, said, same);
    }

    /// <summary>The place of the last message that the longest common subsequence of both has; -1: they have nothing in common.</summary>
    private static int LastCommon(List<KnownMessage> known, IReadOnlyList<SaidMessage> said, Func<KnownMessage, SaidMessage, bool> same)
    {
        // Nearly always both begin with the same, and often with all that is known.
        var begin = 0;
        while (begin < known.Count && begin < said.Count && same(known[begin], said[begin]))
            begin++;
        if (begin == known.Count || begin == said.Count)
            return begin - 1;

        var (rows, columns) = (known.Count - begin, said.Count - begin);
        var lengths = new short[rows + 1, columns + 1];
        for (var row = rows - 1; row >= 0; row--)
        {
            for (var column = columns - 1; column >= 0; column--)
            {
                lengths[row, column] = same(known[begin + row], said[begin + column])
                    ? (short)(lengths[row + 1, column + 1] + 1)
                    : Math.Max(lengths[row + 1, column], lengths[row, column + 1]);
            }
        }
        var last = begin - 1;
        for (var (row, column) = (0, 0); row < rows && column < columns;)
        {
            if (same(known[begin + row], said[begin + column]))
                (last, row, column) = (begin + column, row + 1, column + 1);
            else if (lengths[row + 1, column] >= lengths[row, column + 1])
                row++;
            else
                column++;
        }
        return last;
    }

    /// <summary>
    /// Where the exchange repeats nothing: finds the same turn, if it is there without an answer, or with this one. -1: it is a new turn.
    /// </summary>
    private static int LastOfSameTurn(
        List<KnownMessage> known, IReadOnlyList<SaidMessage> said, int asked, Func<KnownMessage, SaidMessage, bool> same)
    {
        for (var end = asked == 0 ? 0 : known.Count; end >= asked && asked > 0; end--)
        {
            var begins = end - asked;
            if (!Enumerable.Range(0, asked).All(at => same(known[begins + at], said[at])))
                continue;
            var answers = said.Count - asked;
            if (end == known.Count || answers == 0)
                return asked - 1;
            var answered = 0;
            while (answered < answers && end + answered < known.Count && same(known[end + answered], said[asked + answered]))
                answered++;
            if (answered > 0)
                return asked + answered - 1;
        }
        // The first of them may stand at the end already.
        for (var overlap = Math.Min(asked - 1, known.Count); overlap > 0; overlap--)
        {
            if (Enumerable.Range(0, overlap).All(at => same(known[known.Count - overlap + at], said[at])))
                return overlap - 1;
        }
        return -1;
    }
}
