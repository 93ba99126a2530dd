using System.Diagnostics;
using ChatLogger.Client;
using Microsoft.Extensions.AI;

namespace ChatLogger.Extensions.AI;

/// <summary>One call of a model. Nothing in it throws: the call must not fail because of its log.</summary>
internal sealed class Exchange
{
    private readonly Conversations _conversations;
    private readonly Conversation _conversation;
    private readonly long _startedAt = Stopwatch.GetTimestamp();

    private Exchange(Conversations conversations, Conversation conversation) =>
        (_conversations, _conversation) = (conversations, conversation);

    /// <summary>Logs what a call adds to its conversation; null: it is not logged.</summary>
    public static Exchange? Begin(Conversations conversations, ICollection<ChatMessage> messages, ChatOptions? options)
    {
        try
        {
            if (conversations.Of(messages, options) is not { } conversation)
                return null;
            var exchange = new Exchange(conversations, conversation);
            var instructions = options?.Instructions is { Length: > 0 } text ? new[] { new ChatLoggerMessage("system", text) } : [];
            conversation.Hear([.. instructions, .. Messages.Of(messages, conversations.Files)]);
            return exchange;
        }
        catch (Exception)
        {
            return null;
        }
    }

    public void End(List<ChatResponseUpdate> updates)
    {
        try
        {
            if (updates.Count > 0)
                End(updates.ToChatResponse());
        }
        catch (Exception)
        {
            // Updates that make no response.
        }
    }

    public void End(ChatResponse response)
    {
        try
        {
            _conversations.Remember(response.ConversationId, _conversation);
            var answers = Messages.Of(response.Messages, _conversations.Files);
            // The last answer of the model: tools that answered in between are not what the tokens were for.
            var last = answers.FindLastIndex(message => message.Role == "assistant");
            if (last >= 0)
            {
                answers[last] = answers[last] with
                {
                    Latency = Stopwatch.GetElapsedTime(_startedAt),
                    PromptTokens = (int?)response.Usage?.InputTokenCount,
                    CompletionTokens = (int?)response.Usage?.OutputTokenCount,
                    TokenCount = (int?)response.Usage?.TotalTokenCount,
                };
            }
            _conversation.Say(answers.ConvertAll(
                message => message.Role == "assistant" ? message with { Model = response.ModelId } : message));
        }
        catch (Exception)
        {
            // An answer of an unknown shape.
        }
    }
}
