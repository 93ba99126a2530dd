namespace ChatLogger.Auth;

/// <summary>
/// A place where keys are known: the database, the settings. The validators are asked in turn; the first that knows the key answers.
/// </summary>
internal interface IApiKeyValidator
{
    /// <summary>What the key grants; null when it is unknown here, expired or revoked, or its organization is gone.</summary>
    Task<ApiKeyGrant?> Validate(ApiKey key, CancellationToken ct);
}

/// <summary>What a valid key is good for, and until when. No origins: any caller may use it.</summary>
internal sealed record ApiKeyGrant(Guid OrgId, string OrgSlug, string[] Scopes, string[] AllowedOrigins, DateTimeOffset? ExpiresAt = null);
