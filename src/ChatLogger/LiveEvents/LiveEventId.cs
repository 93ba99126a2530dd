using ChatLogger.ChangeFeed;
using ChatLogger.Http;

namespace ChatLogger.LiveEvents;

/// <summary>
/// The id of an event: its number, bound to the organization, and when it was sent, because deletions are known for some time only.
/// </summary>
internal static class LiveEventId
{
    public static string Write(Guid orgId, long seq, DateTimeOffset now) => Cursor.Encode(List(orgId), now, seq);

    /// <summary>Returns the number; null for an id of another organization, a malformed or an outdated one.</summary>
    public static long? Read(Guid orgId, string id, DateTimeOffset now) =>
        Cursor.TryDecodeTimeAndSequence(List(orgId), id) is var (sent, seq) && now - sent <= OrganizationEvents.Retention ? seq : null;

    private static string List(Guid orgId) => $"live/{orgId}";
}
