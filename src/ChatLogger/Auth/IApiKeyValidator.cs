namespace ChatLogger.Auth;

/// <summary>
/// A source of keys: the database or the settings. The validators are asked in order; the first that knows the key decides.
/// </summary>
internal interface IApiKeyValidator
{
    /// <summary>
    /// Returns the grant of the key; null when this source does not know it, when it is expired or revoked, or when its organization is
    /// gone.
    /// </summary>
    Task<ApiKeyGrant?> Validate(ApiKey key, CancellationToken ct);
}

/// <summary>What a valid key permits, and until when. An empty list of origins permits every caller.</summary>
internal sealed record ApiKeyGrant(Guid OrgId, string OrgSlug, string[] Scopes, string[] AllowedOrigins, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>What the organization has chosen.</summary>
    public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;
}
