using System.Runtime.CompilerServices;
using ChatLogger.Client;
using Microsoft.Extensions.AI;

namespace ChatLogger.Extensions.AI;

/// <summary>
/// Logs every exchange of the client inside of it; see <see cref="ChatLoggerChatClientBuilderExtensions.UseChatLogger"/>.
/// </summary>
/// <param name="inner">The client whose exchanges are logged. Neither its answers nor its errors are changed, nor do they wait.</param>
/// <param name="logger">Sends what is logged.</param>
/// <param name="chatOf">
/// Chooses the chat of a call; null: as <see cref="ChatLoggerChatClientBuilderExtensions.UseChatLogger"/> says.
/// </param>
public sealed class ChatLoggerChatClient(
    IChatClient inner, ChatLoggerClient logger, Func<IEnumerable<ChatMessage>, ChatOptions?, ChatLoggerChat?>? chatOf = null)
    : DelegatingChatClient(inner)
{
    private readonly Conversations _conversations = new(logger, chatOf);

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        // A sequence that can be read only once is read here.
        var given = messages as ICollection<ChatMessage> ?? [.. messages];
        var exchange = Exchange.Begin(_conversations, given, options);
        var response = await base.GetResponseAsync(given, options, cancellationToken).ConfigureAwait(false);
        exchange?.End(response);
        return response;
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var given = messages as ICollection<ChatMessage> ?? [.. messages];
        var exchange = Exchange.Begin(_conversations, given, options);
        var updates = new List<ChatResponseUpdate>();
        try
        {
            await foreach (var update in base.GetStreamingResponseAsync(given, options, cancellationToken).ConfigureAwait(false))
            {
                updates.Add(update);
                yield return update;
            }
        }
        finally
        {
            // Also what was said before the stream failed or was left.
            exchange?.End(updates);
        }
    }
}
