using ChatLogger.Import;
using ChatLogger.Transcripts;

namespace ChatLogger.Bench.Http;

/// <summary>The bodies that are sent, with the members of chats and messages as <c>import</c> writes them.</summary>
internal static class Body
{
    public static byte[] Of(ImportedConversation conversation) =>
        ItemWriter.Write(json => ItemWriter.ChatMembers(json, conversation, userId: null));

    public static byte[] Of(ImportedMessage message) => ItemWriter.Write(json => ItemWriter.MessageMembers(json, message));

    /// <summary>The chat as an item of a batch, in which its messages find it by a ref.</summary>
    public static byte[] Item(ImportedConversation conversation, string reference, string key) => ItemWriter.Write(json =>
    {
        json.WriteString("type", "chat");
        json.WriteString("ref", reference);
        json.WriteString("idempotencyKey", key);
        ItemWriter.ChatMembers(json, conversation, userId: null);
    });

    /// <summary>The message as an item of a batch; its chat is <c>chatId</c> or <c>chatRef</c>.</summary>
    public static byte[] Item(ImportedMessage message, string belongs, string to, string key) => ItemWriter.Write(json =>
    {
        json.WriteString("type", "message");
        json.WriteString(belongs, to);
        json.WriteString("idempotencyKey", key);
        ItemWriter.MessageMembers(json, message);
    });
}
