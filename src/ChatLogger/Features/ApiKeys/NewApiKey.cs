using ChatLogger.Auth;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A key as it is shown when it is made, the once: with the key itself.</summary>
internal sealed record NewApiKey(
    Guid Id,
    string PublicId,
    string Label,
    string[] Scopes,
    string LastFour,
    string[] AllowedOrigins,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt,
    string Key)
{
    public static NewApiKey Of(
        ApiKey key,
        Guid id,
        string label,
        string[] scopes,
        string[] allowedOrigins,
        DateTimeOffset now,
        DateTimeOffset? expires
    ) => new(id, key.PublicId, label, scopes, key.LastFour, allowedOrigins, now, expires, null, null, key.Text);

    /// <summary>
    /// Inserts the key, or returns false if the organization has reached its quota of live keys. The caller must have locked the
    /// organization in a statement of its own, so that this one counts the keys of concurrent transactions.
    /// </summary>
    public async Task<bool> Insert(Sql.Transaction transaction, Guid orgId, byte[] sha256, int liveKeys) =>
        await transaction.ExecuteAsync(
            """
            insert into api_keys (id, org_id, public_id, sha256, last_four, label, scopes, allowed_origins, created_at, expires_at)
            select @Id, @OrgId, @PublicId, @Sha256, @LastFour, @Label, @Scopes, @AllowedOrigins, @CreatedAt, @ExpiresAt
            where (
                select count(*)
                from api_keys
                where org_id = @OrgId
                  and revoked_at is null
                  and (expires_at is null or expires_at > @CreatedAt)
            ) < @LiveKeys
            """,
            new
            {
                Id,
                OrgId = orgId,
                PublicId,
                Sha256 = sha256,
                LastFour,
                Label,
                Scopes,
                AllowedOrigins,
                CreatedAt,
                ExpiresAt,
                LiveKeys = liveKeys,
            }
        ) > 0;
}
