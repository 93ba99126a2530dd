namespace ChatLogger.Http;

/// <summary>Time zones as callers name them.</summary>
internal static class TimeZones
{
    public const string Sentence = "Must be an IANA time zone such as Europe/Amsterdam.";

    /// <summary>The zone of this IANA name, in the name's one spelling; null when there is none.</summary>
    public static TimeZoneInfo? Find(string? name) =>
        name is { Length: > 0 and <= 64 } && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) && zone.HasIanaId && zone.Id == name ? zone : null;
}
