using System.Security.Cryptography;
using System.Text;
using ChatLogger.Client;

namespace ChatLogger.Extensions.AI;

/// <summary>A chat, and what was logged to it: in the calls of a conversation each repeats what was said before, or its end.</summary>
internal sealed class Conversation(ChatLoggerChat chat)
{
    private const int MaxRemembered = 1_000;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _systems = [];
    private readonly List<string> _logged = [];
    private bool _hasBegun;

    /// <summary>Logs those of the messages that were not logged before.</summary>
    public void Hear(List<ChatLoggerMessage> messages)
    {
        lock (_lock)
        {
            var spoken = messages.FindAll(message => !IsSystem(message));
            var prints = spoken.ConvertAll(Print);
            var known = CountKnown(prints);
            // A conversation that another process began: what stands before the last answer was logged there.
            var isResumed = !_hasBegun && !chat.IsNew && spoken.Exists(message => message.Role == "assistant");
            if (isResumed)
            {
                known = spoken.FindLastIndex(message => message.Role == "assistant") + 1;
                _logged.AddRange(prints[..known]);
            }
            _hasBegun = true;
            foreach (var system in messages.FindAll(IsSystem))
            {
                if (_systems.Add(Print(system)) && !isResumed)
                    chat.Message(system);
            }
            Log(spoken[known..]);
        }
    }

    /// <summary>Logs answers.</summary>
    public void Say(List<ChatLoggerMessage> messages)
    {
        lock (_lock)
            Log(messages);
    }

    private void Log(List<ChatLoggerMessage> messages)
    {
        foreach (var message in messages)
        {
            chat.Message(message);
            _logged.Add(Print(message));
        }
        if (_logged.Count > MaxRemembered)
            _logged.RemoveRange(0, _logged.Count - MaxRemembered);
    }

    /// <summary>How many messages at the beginning of a call were logged before.</summary>
    private int CountKnown(List<string> call)
    {
        for (var count = Math.Min(call.Count, _logged.Count); count > 0; count--)
        {
            // A single message that is not the last one may be said again.
            for (var at = _logged.Count - count; at >= (count > 1 ? 0 : _logged.Count - 1); at--)
            {
                if (_logged.Skip(at).Take(count).SequenceEqual(call.Take(count), StringComparer.Ordinal))
                    return count;
            }
        }
        return 0;
    }

    private static bool IsSystem(ChatLoggerMessage message) => message.Role is "system" or "developer";

    private static string Print(ChatLoggerMessage message) =>
        Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Messages.Fingerprint(message))));
}
