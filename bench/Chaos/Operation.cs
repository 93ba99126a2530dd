namespace ChatLogger.Bench.Chaos;

internal enum Kind
{
    Chat,
    Message,
}

internal enum OperationStatus
{
    /// <summary>No response, or one without a certain outcome: it may be stored or not.</summary>
    Unknown,

    /// <summary>201: it must be stored.</summary>
    Acknowledged,

    /// <summary>4xx: it must not be stored.</summary>
    Refused,
}

/// <summary>
/// A write and its response. The text begins with a unique token and a blank;
/// the moments are positions in the journal, so that comparing two of them gives their order.
/// </summary>
/// <remarks>ChatId is null for a chat, Key is the Idempotency-Key, and what is not Acceptable the service has to refuse.</remarks>
internal sealed record Operation(
    string Token,
    Kind Kind,
    string? ChatId,
    string Key,
    string Text,
    bool Acceptable = true,
    string Role = "user")
{
    public OperationStatus Status { get; set; } = OperationStatus.Unknown;

    /// <summary>As acknowledged.</summary>
    public string Id { get; set; } = "";

    /// <summary>When it was first sent.</summary>
    public long Sent { get; set; }

    /// <summary>When its outcome was certain.</summary>
    public long Answered { get; set; } = long.MaxValue;

    /// <summary>Whether a fault was active, or the service had not recovered yet, when it was sent.</summary>
    public bool DuringFault { get; set; }

    /// <summary>Whether the outcome was unknown after the first attempt.</summary>
    public bool WasUnknown { get; set; }

    /// <summary>Whether the response to the replay said that the first attempt had arrived.</summary>
    public bool HadArrived { get; set; }

    public static string TokenOf(string text) => text.Split(' ', 2)[0];
}
