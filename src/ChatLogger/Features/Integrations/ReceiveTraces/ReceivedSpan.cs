using System.Buffers;

namespace ChatLogger.Features;

/// <summary>A span of an OTLP export, as far as it matters here. Ids are hex in lower case.</summary>
internal sealed record ReceivedSpan(
    string TraceId,
    string SpanId,
    string? ParentSpanId,
    string Name,
    DateTimeOffset Start,
    DateTimeOffset End,
    string? Error,
    SpanAttributes Attributes,
    IReadOnlyList<(string Name, SpanAttributes Attributes)> Events)
{
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    private const int TraceIdLength = 32;
    private const int SpanIdLength = 16;

    /// <summary>Whether its ids are those that the standard demands.</summary>
    public bool IsValid => IsId(TraceId, TraceIdLength) && IsId(SpanId, SpanIdLength);

    public static DateTimeOffset Time(ulong nanoseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)Math.Min(nanoseconds / 100, 200_000_000_000_000_0000));

    private static bool IsId(string id, int length) =>
        id.Length == length && id.AsSpan().ContainsAnyExcept('0') && !id.AsSpan().ContainsAnyExcept(Hex);
}
