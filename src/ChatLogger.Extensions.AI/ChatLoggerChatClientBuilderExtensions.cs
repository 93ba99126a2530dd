using ChatLogger.Client;
using ChatLogger.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.AI;

/// <summary>Adds the log of a Chat Logger service to a pipeline of chat clients.</summary>
public static class ChatLoggerChatClientBuilderExtensions
{
    /// <summary>
    /// Logs every exchange of the clients inside of it: what a call adds to its conversation, and the answer with model, tokens, latency
    /// and calls of tools, streams included. Outside of <c>UseFunctionInvocation</c> it logs what tools answered together with
    /// the last answer,
    /// inside of it each call of the model by itself; both log everything once.
    /// </summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="logger">Sends what is logged; null: the one that <c>AddChatLoggerClient</c> registered.</param>
    /// <param name="chatOf">
    /// Chooses the chat of a call, by its messages and options; where it returns null, the call is not logged. Null, as usual: the chat of
    /// <see cref="ChatLoggerScope"/>, else that of <see cref="ChatOptions.ConversationId"/>, else one for each list of messages that the
    /// caller goes on with.
    /// </param>
    /// <returns>The builder.</returns>
    public static ChatClientBuilder UseChatLogger(
        this ChatClientBuilder builder,
        ChatLoggerClient? logger = null,
        Func<IEnumerable<ChatMessage>, ChatOptions?, ChatLoggerChat?>? chatOf = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
            new ChatLoggerChatClient(inner, logger ?? services.GetRequiredService<ChatLoggerClient>(), chatOf));
    }
}
