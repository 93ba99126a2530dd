namespace ChatLogger.Auth;

/// <summary>The values of <c>action</c> in the audit log, which are also the event names in the log.</summary>
internal static class AuditAction
{
    public const string LoggedIn = "login.success";
    public const string LoginRefused = "login.refusal";
    public const string LoggedOut = "logout";
    public const string SessionEnded = "session.ended";
    public const string AccessDenied = "access.denied";
    public const string Throttled = "throttled";
    public const string OrganizationCreated = "organization.created";
    public const string OrganizationChanged = "organization.changed";
    public const string OrganizationDeleted = "organization.deleted";
    public const string MemberCreated = "member.created";
    public const string MemberChanged = "member.changed";
    public const string MemberRemoved = "member.removed";
    public const string EmailTaken = "member.email-taken";
    public const string KeyCreated = "key.created";
    public const string KeyRotated = "key.rotated";
    public const string KeyRevoked = "key.revoked";
    public const string ChatDeleted = "chat.deleted";
    public const string MessageDeleted = "message.deleted";
    public const string ChatsExpired = "chats.expired";
    public const string ErasureRequested = "erasure.requested";
    public const string ErasureFinished = "erasure.finished";
    public const string ErasureDownloaded = "erasure.downloaded";
    public const string ExportMade = "export.made";
    public const string ExportRequested = "export.requested";
    public const string ExportDownloaded = "export.downloaded";
    public const string ExportCancelled = "export.cancelled";
    public const string WebhookCreated = "webhook.created";
    public const string WebhookChanged = "webhook.changed";
    public const string WebhookDeleted = "webhook.deleted";
    public const string WebhookRotated = "webhook.rotated";
    public const string WebhookPaused = "webhook.paused";
    public const string WebhookTested = "webhook.tested";
    public const string WebhookReplayed = "webhook.replayed";

    public static readonly IReadOnlyList<string> All =
    [
        LoggedIn,
        LoginRefused,
        LoggedOut,
        SessionEnded,
        AccessDenied,
        Throttled,
        OrganizationCreated,
        OrganizationChanged,
        OrganizationDeleted,
        MemberCreated,
        MemberChanged,
        MemberRemoved,
        EmailTaken,
        KeyCreated,
        KeyRotated,
        KeyRevoked,
        ChatDeleted,
        MessageDeleted,
        ChatsExpired,
        ErasureRequested,
        ErasureFinished,
        ErasureDownloaded,
        ExportMade,
        ExportRequested,
        ExportDownloaded,
        ExportCancelled,
        WebhookCreated,
        WebhookChanged,
        WebhookDeleted,
        WebhookRotated,
        WebhookPaused,
        WebhookTested,
        WebhookReplayed,
    ];

    /// <summary>Whether the action is a refusal, which an operator should investigate when there are many.</summary>
    public static bool IsRefusal(string action) => action is LoginRefused or AccessDenied or Throttled or EmailTaken;
}
