using ChatLogger.Client;

namespace ChatLogger.Extensions.AI;

/// <summary>Says for a piece of code, and for what it awaits and starts, to which chat the calls of models belong.</summary>
public static class ChatLoggerScope
{
    private static readonly AsyncLocal<ChatLoggerChat?> Ambient = new();

    /// <summary>The chat of the innermost scope; null: there is none.</summary>
    public static ChatLoggerChat? Current => Ambient.Value;

    /// <summary>Begins a scope.</summary>
    /// <param name="chat">The chat to log to.</param>
    /// <returns>Its disposal ends the scope.</returns>
    public static IDisposable Begin(ChatLoggerChat chat)
    {
        ArgumentNullException.ThrowIfNull(chat);
        var outer = Ambient.Value;
        Ambient.Value = chat;
        return new Scope(outer);
    }

    private sealed class Scope(ChatLoggerChat? outer) : IDisposable
    {
        public void Dispose() => Ambient.Value = outer;
    }
}
