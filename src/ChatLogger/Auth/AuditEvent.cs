namespace ChatLogger.Auth;

/// <summary>
/// An event that waits in the outbox of its organization, and the chat that stored exports must not show any more as it was.
/// </summary>
internal sealed record OutboxEvent(
    Guid OrgId,
    Guid Id,
    DateTimeOffset At,
    string ActorType,
    string? ActorId,
    string Action,
    string TargetType,
    string? TargetId,
    string TraceId,
    Guid? ChangedChatId);

/// <summary>
/// An action that was done or refused. It contains ids only: never a password, a cookie, a token, a key beyond its public id, or anything a
/// caller typed. An event without an organization goes to the log but to no audit log.
/// </summary>
internal sealed record AuditEvent(Guid? OrgId, Actor Actor, string Action, string TargetType, string? TargetId)
{
    /// <summary>The chat that it is about: when that is erased, the event forgets its target.</summary>
    public Guid? ChatId { get; init; }

    public static AuditEvent OfMember(Guid? orgId, Actor actor, string action, Guid memberId) =>
        new(orgId, actor, action, "member", memberId.ToString());

    public static AuditEvent OfSession(Guid? orgId, Actor actor, string action, Guid sessionId) =>
        new(orgId, actor, action, "session", sessionId.ToString());

    public static AuditEvent OfKey(Guid orgId, Actor actor, string action, string publicId) => new(orgId, actor, action, "key", publicId);

    public static AuditEvent OfChat(Guid orgId, Actor actor, string action, Guid chatId) =>
        new(orgId, actor, action, "chat", chatId.ToString()) { ChatId = chatId };

    public static AuditEvent OfMessage(Guid orgId, Actor actor, string action, Guid chatId, Guid messageId) =>
        new(orgId, actor, action, "message", messageId.ToString()) { ChatId = chatId };

    /// <summary>An erasure: the target is whose chats are erased, as an HMAC.</summary>
    public static AuditEvent OfErasure(Guid orgId, Actor actor, string action, string subject) =>
        new(orgId, actor, action, "erasure", subject);

    /// <summary>Chats that were deleted because their time was over: the target is how many.</summary>
    public static AuditEvent OfRetention(Guid orgId, Actor actor, string action, string chats) =>
        new(orgId, actor, action, "retention", chats);

    public static AuditEvent OfExport(Guid orgId, Actor actor, string action, Guid? exportId) =>
        new(orgId, actor, action, "export", exportId?.ToString());

    public static AuditEvent OfWebhook(Guid orgId, Actor actor, string action, Guid webhookId) =>
        new(orgId, actor, action, "webhook", webhookId.ToString());

    public static AuditEvent OfOrganization(Guid orgId, Actor actor, string action) =>
        new(orgId, actor, action, "organization", orgId.ToString());

    public static AuditEvent OfRoute(Guid? orgId, Actor actor, string action, string route) => new(orgId, actor, action, "route", route);
}
