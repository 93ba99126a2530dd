using System.Runtime.CompilerServices;
using ChatLogger.Client;
using Microsoft.Extensions.AI;

namespace ChatLogger.Extensions.AI;

/// <summary>
/// Finds the conversation of a call. Those that were not used for long are forgotten: they go on by the name of their chat.
/// </summary>
internal sealed class Conversations(ChatLoggerClient logger, Func<IEnumerable<ChatMessage>, ChatOptions?, ChatLoggerChat?>? chatOf)
{
    private const int MaxNamed = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Name, Conversation Conversation)>> _named = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Name, Conversation Conversation)> _byUse = new();
    private readonly ConditionalWeakTable<ChatLoggerChat, Conversation> _byChat = [];
    private readonly ConditionalWeakTable<object, Conversation> _byList = [];

    public EmbeddedFiles Files => logger.Files;

    public Conversation? Of(ICollection<ChatMessage> messages, ChatOptions? options)
    {
        if (chatOf is not null)
            return chatOf(messages, options) is { } chosen ? Of(chosen) : null;
        if (ChatLoggerScope.Current is { } ambient)
            return Of(ambient);
        if (options?.ConversationId is not { Length: > 0 } name)
            return _byList.GetValue(messages, _ => new Conversation(logger.Chat()));
        lock (_lock)
        {
            if (_named.TryGetValue(name, out var found))
            {
                _byUse.Remove(found);
                _byUse.AddFirst(found);
                return found.Value.Conversation;
            }
        }
        var conversation = new Conversation(logger.Chat(name));
        Remember(name, conversation);
        return conversation;
    }

    /// <summary>A provider that keeps the conversation names it in its answer; the next call comes with that name.</summary>
    public void Remember(string? name, Conversation conversation)
    {
        if (string.IsNullOrEmpty(name))
            return;
        lock (_lock)
        {
            if (_named.Remove(name, out var before))
                _byUse.Remove(before);
            _named[name] = _byUse.AddFirst((name, conversation));
            if (_named.Count <= MaxNamed)
                return;
            _named.Remove(_byUse.Last!.Value.Name);
            _byUse.RemoveLast();
        }
    }

    private Conversation Of(ChatLoggerChat chat) => _byChat.GetValue(chat, each => new Conversation(each));
}
