using System.Security.Cryptography;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>Validates the keys that organizations created: finds them by public id and compares their hash in constant time.</summary>
internal sealed class DatabaseApiKeys([FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db, TimeProvider time) : IApiKeyValidator
{
    public async Task<ApiKeyGrant?> Validate(ApiKey key, CancellationToken ct)
    {
        var row = await db.ReadSingleOrDefaultAsync<KeyRow>(
            $"""
            select o.id as org_id, o.slug as org_slug, k.sha256, k.scopes, k.allowed_origins, k.expires_at, {OrganizationPolicy.Columns}
            from api_keys k
            join organizations o on o.id = k.org_id
            where k.public_id = @PublicId
              and k.revoked_at is null
              and (k.expires_at is null or k.expires_at > @Now)
              and o.deleted_at is null
            """,
            new { key.PublicId, Now = time.GetUtcNow() },
            ct);
        return row is not null && CryptographicOperations.FixedTimeEquals(row.Sha256, key.Sha256)
            ? new(row.OrgId, row.OrgSlug, row.Scopes, row.AllowedOrigins, row.ExpiresAt)
            {
                Policy = OrganizationPolicy.Of(row.Redaction, row.RetentionDays),
            }
            : null;
    }

    private sealed record KeyRow(
        Guid OrgId,
        string OrgSlug,
        byte[] Sha256,
        string[] Scopes,
        string[] AllowedOrigins,
        DateTimeOffset? ExpiresAt,
        string Redaction,
        int? RetentionDays);
}
