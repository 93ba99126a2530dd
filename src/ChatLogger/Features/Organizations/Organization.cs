using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Redaction;

namespace ChatLogger.Features;

/// <summary>An organization, as its members and superadmins see it.</summary>
internal sealed record Organization(Guid Id, string Slug, string Name, OrganizationSettings Settings, DateTimeOffset CreatedAt)
{
    /// <summary>The columns of an organization.</summary>
    public const string Columns = "id, slug, name, time_zone, retention_days, redaction, prices, created_at";

    public sealed record Row(
        Guid Id, string Slug, string Name, string TimeZone, int? RetentionDays, string Redaction, string Prices, DateTimeOffset CreatedAt)
    {
        public Organization ToOrganization() => new(
            Id, Slug, Name,
            new(TimeZone, RetentionDays, RedactionSettings.FromStored(Redaction), OrganizationSettings.PricesOf(Prices)), CreatedAt);
    }
}

/// <summary>
/// What an organization may choose: the IANA zone whose midnights cut the days of its analytics, for how many days chats are kept after
/// their last message, what is replaced before it is stored, and the prices of the models that it uses.
/// </summary>
internal sealed record OrganizationSettings(
    string TimeZone, int? RetentionDays, RedactionSettings Redaction, IReadOnlyDictionary<string, ModelPrice> Prices)
{
    public static IReadOnlyDictionary<string, ModelPrice> PricesOf(string? json) =>
        json is null
            ? new Dictionary<string, ModelPrice>()
            : JsonSerializer.Deserialize<Dictionary<string, ModelPrice>>(json, Json.Options)!;

    public sealed record Row(string TimeZone, string Prices);
}

/// <summary>What a million tokens of a model cost, in the currency of the organization's choice.</summary>
internal sealed record ModelPrice(decimal Prompt, decimal Completion);
