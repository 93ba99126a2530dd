using NodaTime;

namespace ChatLogger.Import;

/// <summary>Which branches of a conversation that was edited or answered again are imported.</summary>
internal enum Branches
{
    /// <summary>The one that was shown last.</summary>
    Latest,

    /// <summary>Each, as a chat of its own.</summary>
    All,
}

/// <summary>What the reader of a file needs to know beyond the file.</summary>
internal sealed record ImportOptions
{
    public Branches Branches { get; init; }

    /// <summary>The column of each field of a CSV file; empty: the columns are called like the fields.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>The zone of times that name none.</summary>
    public DateTimeZone Zone { get; init; } = DateTimeZone.Utc;

    /// <summary>The participants of a chat between people whose messages are the assistant's.</summary>
    public IReadOnlySet<string> Assistants { get; init; } = new HashSet<string>();
}
