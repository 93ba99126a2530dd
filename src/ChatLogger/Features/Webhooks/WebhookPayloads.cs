using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// The payloads of webhooks. They are read when they are sent, in the form of the API: what has been deleted or changed since is not sent
/// as it was.
/// </summary>
internal sealed class WebhookPayloads(NpgsqlDataSource db, IEnumerable<IFinishedJobs> jobs) : IWebhookPayloads
{
    private const string ChatColumns =
        """
        c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at,
        f.rating, f.comment, f.at
        """;

    public async Task<byte[]?> Read(WebhookTarget webhook, PendingDelivery delivery, CancellationToken ct)
    {
        var data = await Data(webhook, delivery, ct);
        return data is null
            ? null
            : JsonSerializer.SerializeToUtf8Bytes(new Payload(delivery.Event, delivery.HappenedAt, data), Json.Options);
    }

    private async Task<object?> Data(WebhookTarget webhook, PendingDelivery delivery, CancellationToken ct)
    {
        if (delivery.Event == WebhookEvent.Test)
            return new TestData(webhook.Id);
        if (delivery.ChatId is not { } chatId)
            return await jobs.Single(kind => kind.Event == delivery.Event).Read(webhook.OrgId, delivery.SubjectId, ct);
        if (await Chat(webhook.OrgId, chatId, ct) is not { } chat)
            return null;
        var shown = webhook.WithContent ? chat : null;
        switch (delivery.Event)
        {
            case WebhookEvent.MessageCreated:
                return await Message(webhook.OrgId, chatId, delivery.SubjectId, ct) is { } message
                    ? new MessageData(chatId, message.Id, message.Role, shown, webhook.WithContent ? message : null)
                    : null;
            case WebhookEvent.FeedbackGiven:
                return await Feedback(webhook.OrgId, delivery.SubjectId, ct) is { } feedback
                    ? new FeedbackData(
                        chatId, delivery.SubjectId == chatId ? null : delivery.SubjectId, feedback.Rating, shown,
                        webhook.WithContent ? feedback : null)
                    : null;
            case WebhookEvent.ChatIdle:
                return new IdleData(chatId, webhook.IdleMinutes, shown);
            default:
                return new ChatData(chatId, shown);
        }
    }

    private async Task<Chat?> Chat(Guid orgId, Guid chatId, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<Chat.Row>(
            $"""
            select {ChatColumns}
            from chats c
            left join feedback f on f.org_id = c.org_id and f.target_id = c.id
            where c.org_id = @OrgId
              and c.id = @ChatId
              and c.deleted_at is null
            """,
            new { OrgId = orgId, ChatId = chatId },
            ct))?.ToChat();

    private async Task<Message?> Message(Guid orgId, Guid chatId, Guid messageId, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<MessageRow>(
            """
            select m.id, m.chat_id, m.role, m.content, m.parts, m.tool_calls, m.tool_call_id, m.name, m.metadata, m.latency_ms,
                   m.token_count, m.prompt_tokens, m.completion_tokens, m.model, m.created_at, f.rating, f.comment, f.at
            from messages m
            left join feedback f on f.org_id = m.org_id and f.target_id = m.id
            where m.org_id = @OrgId
              and m.chat_id = @ChatId
              and m.id = @MessageId
            """,
            new { OrgId = orgId, ChatId = chatId, MessageId = messageId },
            ct))?.ToMessage();

    private Task<Feedback?> Feedback(Guid orgId, Guid targetId, CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<Feedback>(
            "select rating, comment, at from feedback where org_id = @OrgId and target_id = @TargetId",
            new { OrgId = orgId, TargetId = targetId },
            ct);

    /// <summary>The body of a delivery, as Standard Webhooks has it.</summary>
    public sealed record Payload(string Type, DateTimeOffset Timestamp, object Data);

    public sealed record ChatData(Guid ChatId, Chat? Chat);

    public sealed record MessageData(Guid ChatId, Guid MessageId, string Role, Chat? Chat, Message? Message);

    public sealed record FeedbackData(Guid ChatId, Guid? MessageId, string Rating, Chat? Chat, Feedback? Feedback);

    public sealed record IdleData(Guid ChatId, int IdleMinutes, Chat? Chat);

    public sealed record TestData(Guid WebhookId);

    private sealed record MessageRow(
        Guid Id, Guid ChatId, string Role, string? Content, RawJsonArray? Parts, RawJsonArray? ToolCalls, string? ToolCallId, string? Name,
        RawJsonObject Metadata, int? LatencyMs, int? TokenCount, int? PromptTokens, int? CompletionTokens, string? Model,
        DateTimeOffset CreatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Message ToMessage() => new(
            Id, ChatId, Role, Content.NullIfEmpty(), Parts, ToolCalls, ToolCallId, Name, Metadata, LatencyMs, TokenCount, PromptTokens,
            CompletionTokens, Model, CreatedAt, Features.Feedback.From(Rating, Comment, At));
    }
}
