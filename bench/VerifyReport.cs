using System.Diagnostics;
using System.Globalization;
using ChatLogger.Import;

namespace ChatLogger.Bench;

/// <summary>What the comparison found. Written to by all connections at once.</summary>
internal sealed class VerifyReport
{
    private const int Shown = 10;

    private readonly Lock gate = new();
    private readonly Stopwatch elapsed = Stopwatch.StartNew();
    private readonly Dictionary<(Kind Kind, bool OfMessage), long> counts = [];
    private readonly List<Difference> first = [];

    public long Conversations { get; private set; }
    public long Messages { get; private set; }
    public long Malformed { get; private set; }
    public long Others { get; private set; }
    public long Pages { get; private set; }

    /// <summary>Why the comparison ended before the file did.</summary>
    public string? Stopped { get; set; }

    /// <summary>The first differences in the order of the file.</summary>
    public IReadOnlyList<Difference> Differences => first;

    public bool Equal => Stopped is null && counts.Count == 0 && Malformed == 0 && Conversations > 0;

    public long Count(Kind kind) => OfConversations(kind) + OfMessages(kind);

    public long OfConversations(Kind kind) => counts.GetValueOrDefault((kind, false));

    public long OfMessages(Kind kind) => counts.GetValueOrDefault((kind, true));

    public void Add(Difference difference)
    {
        lock (gate)
        {
            var key = (difference.Kind, difference.Index is not null);
            counts[key] = counts.GetValueOrDefault(key) + 1;

            var place = first.FindIndex(other => (other.Line, other.Index ?? -1).CompareTo((difference.Line, difference.Index ?? -1)) > 0);
            first.Insert(place < 0 ? first.Count : place, difference);
            if (first.Count > Shown)
                first.RemoveAt(Shown);
        }
    }

    public void AddMalformed(FileEntry line)
    {
        lock (gate)
            Malformed++;
        Add(new Difference(Kind.Unreadable, line.Number, "", null, "line of the file", line.Error ?? ""));
    }

    public void AddMessages(int messages)
    {
        lock (gate)
            Messages += messages;
    }

    public void AddConversation()
    {
        lock (gate)
            Conversations++;
    }

    public Status Status(double? fraction)
    {
        lock (gate)
            return new Status("Comparing", Conversations, Messages, fraction);
    }

    public void Finish(long others, long pages)
    {
        elapsed.Stop();
        Others = others;
        Pages = pages;
    }

    public void Print(TextWriter output)
    {
        if (Stopped is not null)
            output.WriteLine($"Stopped: {Stopped}");
        if (first.Count > 0)
            output.WriteLine(first.Count < Shown ? "Differences:" : "The first differences:");
        foreach (var difference in first)
            output.WriteLine($"  {difference}");

        output.WriteLine(Text($"compared       {Conversations:N0} conversations, {Messages:N0} messages"));
        foreach (var kind in Enum.GetValues<Kind>())
            output.WriteLine(Text($"{Difference.Name(kind),-14} {OfConversations(kind):N0} conversations, {OfMessages(kind):N0} messages"));
        output.WriteLine(Text($"others         {Others:N0} chats that are not of this file"));
        output.WriteLine(Text($"pages read     {Pages:N0}"));
        output.WriteLine(Text($"elapsed        {elapsed.Elapsed.TotalSeconds:0.0} s"));
        output.WriteLine(Equal ? "Equal." : Conversations == 0 ? "NOTHING was compared." : "NOT equal.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
