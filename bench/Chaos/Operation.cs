namespace ChatLogger.Bench.Chaos;

internal enum Kind
{
    Chat,
    Message,
}

internal enum OperationStatus
{
    /// <summary>No answer, or one that leaves open what happened: it may be there or not.</summary>
    Unknown,

    /// <summary>201: it must be there.</summary>
    Acknowledged,

    /// <summary>4xx: it must not be there.</summary>
    Refused,
}

/// <summary>
/// Something that a writer wants kept, and what it was told. The text begins with the token, a blank and nothing else in the world like it;
/// the moments are positions in the journal, so that two of them say what came before what.
/// </summary>
/// <remarks>ChatId is null for a chat, Key is the Idempotency-Key, and what is not Acceptable the service has to refuse.</remarks>
internal sealed record Operation(string Token, Kind Kind, string? ChatId, string Key, string Text, bool Acceptable = true, string Role = "user")
{
    public OperationStatus Status { get; set; } = OperationStatus.Unknown;

    /// <summary>As acknowledged.</summary>
    public string Id { get; set; } = "";

    /// <summary>When it was first sent.</summary>
    public long Sent { get; set; }

    /// <summary>When its outcome was certain.</summary>
    public long Answered { get; set; } = long.MaxValue;

    /// <summary>Whether a fault was going on, or not yet got over, when it was sent.</summary>
    public bool DuringFault { get; set; }

    /// <summary>Whether the first answer, if any, left it open.</summary>
    public bool WasUnknown { get; set; }

    /// <summary>Whether the answer to the replay said that the first attempt had arrived.</summary>
    public bool HadArrived { get; set; }

    public static string TokenOf(string text) => text.Split(' ', 2)[0];
}
