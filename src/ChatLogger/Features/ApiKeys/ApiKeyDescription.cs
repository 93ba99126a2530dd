namespace ChatLogger.Features;

/// <summary>A key as it may be shown after it was made: everything but the key.</summary>
internal sealed record ApiKeyDescription(
    Guid Id,
    string PublicId,
    string Label,
    string[] Scopes,
    string LastFour,
    string[] AllowedOrigins,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt);
