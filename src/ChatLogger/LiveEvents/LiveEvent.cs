using System.Text;

namespace ChatLogger.LiveEvents;

/// <summary>One event, as all streams of its organization send it.</summary>
/// <param name="Seq">Its number in the change log.</param>
/// <param name="UserId">The member whom its chat is attributed to, if any.</param>
/// <param name="Text">The event in the form of <c>text/event-stream</c>, complete with its blank line.</param>
internal sealed record LiveEvent(long Seq, Guid? UserId, byte[] Text)
{
    public static byte[] Format(string name, string id, Guid chatId, Guid? messageId)
    {
        var data = messageId is null ? $$"""{"chatId":"{{chatId}}"}""" : $$"""{"chatId":"{{chatId}}","messageId":"{{messageId}}"}""";
        return Encoding.UTF8.GetBytes($"event: {name}\nid: {id}\ndata: {data}\n\n");
    }
}
