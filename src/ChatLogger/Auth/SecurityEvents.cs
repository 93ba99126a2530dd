namespace ChatLogger.Auth;

/// <summary>
/// What an operator must be able to find again: who did what, where, under which trace. Ids only: never a password, a cookie, a token, a key
/// beyond its public id, or anything a caller typed.
/// </summary>
internal static partial class SecurityEvents
{
    [LoggerMessage(EventName = "login.success", Level = LogLevel.Information, Message = "login.success member={MemberId} organization={OrgId} trace={TraceId}")]
    public static partial void LoggedIn(ILogger log, Guid memberId, Guid? orgId, string traceId);

    [LoggerMessage(EventName = "login.refusal", Level = LogLevel.Warning, Message = "login.refusal member={MemberId} trace={TraceId}")]
    public static partial void LoginRefused(ILogger log, Guid? memberId, string traceId);

    [LoggerMessage(EventName = "logout", Level = LogLevel.Information, Message = "logout member={MemberId} organization={OrgId} trace={TraceId}")]
    public static partial void LoggedOut(ILogger log, Guid memberId, Guid? orgId, string traceId);

    [LoggerMessage(EventName = "access.denied", Level = LogLevel.Warning, Message = "access.denied actor={Actor} organization={OrgId} policy={Policy} trace={TraceId}")]
    public static partial void AccessDenied(ILogger log, string actor, Guid? orgId, string policy, string traceId);

    [LoggerMessage(EventName = "key.created", Level = LogLevel.Information, Message = "key.created actor={Actor} organization={OrgId} key={PublicId} trace={TraceId}")]
    public static partial void KeyCreated(ILogger log, string actor, Guid orgId, string publicId, string traceId);

    [LoggerMessage(EventName = "key.revoked", Level = LogLevel.Information, Message = "key.revoked actor={Actor} organization={OrgId} key={KeyId} trace={TraceId}")]
    public static partial void KeyRevoked(ILogger log, string actor, Guid orgId, Guid keyId, string traceId);

    [LoggerMessage(EventName = "export.made", Level = LogLevel.Information, Message = "export.made actor={Actor} organization={OrgId} format={Format} trace={TraceId}")]
    public static partial void Exported(ILogger log, string actor, Guid orgId, string format, string traceId);

    [LoggerMessage(EventName = "export.requested", Level = LogLevel.Information, Message = "export.requested actor={Actor} organization={OrgId} export={ExportId} trace={TraceId}")]
    public static partial void ExportRequested(ILogger log, string actor, Guid orgId, Guid exportId, string traceId);

    [LoggerMessage(EventName = "export.downloaded", Level = LogLevel.Information, Message = "export.downloaded actor={Actor} organization={OrgId} export={ExportId} trace={TraceId}")]
    public static partial void ExportDownloaded(ILogger log, string actor, Guid orgId, Guid exportId, string traceId);

    [LoggerMessage(EventName = "export.cancelled", Level = LogLevel.Information, Message = "export.cancelled actor={Actor} organization={OrgId} export={ExportId} trace={TraceId}")]
    public static partial void ExportCancelled(ILogger log, string actor, Guid orgId, Guid exportId, string traceId);

    [LoggerMessage(EventName = "member.changed", Level = LogLevel.Information, Message = "member.changed actor={Actor} organization={OrgId} member={MemberId} trace={TraceId}")]
    public static partial void MemberChanged(ILogger log, string actor, Guid? orgId, Guid memberId, string traceId);
}
