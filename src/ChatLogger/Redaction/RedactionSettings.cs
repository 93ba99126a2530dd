using System.Text.Json;
using System.Text.Json.Serialization;

namespace ChatLogger.Redaction;

/// <summary>What an organization has replaced in everything that is said before it is stored.</summary>
/// <param name="Kinds">What is recognized by itself: see <see cref="RedactionKind"/>.</param>
/// <param name="Patterns">What the organization describes itself.</param>
/// <param name="Metadata">Whether metadata is redacted, too.</param>
internal sealed record RedactionSettings(IReadOnlyList<string> Kinds, IReadOnlyList<RedactionPattern> Patterns, bool Metadata)
{
    public static readonly RedactionSettings Off = new([], [], false);

    [JsonIgnore]
    public bool IsOff => Kinds.Count == 0 && Patterns.Count == 0;

    /// <summary>Reads what is stored; an empty text: off.</summary>
    public static RedactionSettings FromStored(string json) =>
        json.Length == 0 ? Off : JsonSerializer.Deserialize<RedactionSettings>(json, JsonSerializerOptions.Web) ?? Off;

    /// <summary>The text that is stored: the same settings have the same text.</summary>
    public string ToStored() => IsOff && !Metadata ? "" : JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
}

/// <summary>What an organization describes by a regular expression of .NET; it is replaced by <c>[name]</c>.</summary>
internal sealed record RedactionPattern(string Name, string Pattern);

/// <summary>What is recognized by itself. The name of the kind, in brackets, takes its place.</summary>
internal static class RedactionKind
{
    public const string Email = "email";
    public const string Phone = "phone";
    public const string CreditCard = "creditCard";
    public const string Iban = "iban";
    public const string IpAddress = "ipAddress";
    public const string Secret = "secret";

    public static readonly IReadOnlyList<string> All = [Email, Phone, CreditCard, Iban, IpAddress, Secret];

    public static bool IsKnown(string? kind) => kind is not null && All.Contains(kind);
}
