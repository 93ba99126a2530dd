namespace ChatLogger.Bench;

internal enum Kind
{
    Missing,
    Doubled,

    /// <summary>There, but altered.</summary>
    Different,
    OutOfOrder,

    /// <summary>In the chat, but not in the file.</summary>
    Unexpected,

    /// <summary>The service did not hand it out, or not in its shape.</summary>
    Unreadable,
}

/// <summary>One thing that is not as the file says. Without an index it is the conversation as a whole.</summary>
internal sealed record Difference(Kind Kind, long Line, string ConversationId, int? Index, string Field, string Detail = "")
{
    public override string ToString() =>
        $"line {Line}, {Excerpt.Of(ConversationId)}{(Index is { } index ? $", message {index}" : "")}: {Name(Kind)} {Field}"
        + (Detail.Length > 0 ? $", {Detail}" : "");

    /// <summary>Both values from where they part.</summary>
    public static string Between(string expected, string found)
    {
        var parting = Excerpt.Parting(expected, found);
        var where = parting == 0 ? "" : $" (they part at byte {System.Text.Encoding.UTF8.GetByteCount(expected.AsSpan(0, parting))})";
        return $"expected {Excerpt.Of(expected, parting)}, found {Excerpt.Of(found, parting)}{where}";
    }

    public static string Name(Kind kind) => kind switch
    {
        Kind.Missing => "missing",
        Kind.Doubled => "doubled",
        Kind.Different => "different",
        Kind.OutOfOrder => "out of order",
        Kind.Unexpected => "unexpected",
        _ => "unreadable",
    };
}
