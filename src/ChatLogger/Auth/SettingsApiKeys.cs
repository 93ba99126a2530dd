using System.Security.Cryptography;
using ChatLogger.Configuration;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// Keys that the settings give by their hash, for operators who deploy secrets instead of creating keys in the dashboard:
/// <c>ApiKeys__0__Slug</c>, <c>ApiKeys__0__Sha256</c> (64 hexadecimal digits: SHA-256 of the whole key), <c>ApiKeys__0__Scopes__0</c>
/// (default: ingest).
/// </summary>
internal sealed class SettingsApiKeys(IReadOnlyList<SettingsApiKeys.ConfiguredKey> entries, NpgsqlDataSource db) : IApiKeyValidator
{
    public async Task<ApiKeyGrant?> Validate(ApiKey key, CancellationToken ct)
    {
        ConfiguredKey? found = null;
        if (entries.Count == 0)
            return null;
        var sha256 = key.Sha256;
        foreach (var entry in entries)
        {
            if (CryptographicOperations.FixedTimeEquals(entry.Sha256, sha256))
                found = entry;
        }
        if (found is null)
            return null;

        var row = await db.ReadSingleOrDefaultAsync<OrganizationRow>(
            $"""
            select o.id, {OrganizationPolicy.Columns}
            from organizations o
            where o.slug = @Slug
              and o.deleted_at is null
            """,
            new { found.Slug },
            ct);
        return row is null
            ? null
            : new(row.Id, found.Slug, [.. found.Scopes], [])
            {
                Policy = OrganizationPolicy.Of(row.Redaction, row.RetentionDays),
            };
    }

    private sealed record OrganizationRow(Guid Id, string Redaction, int? RetentionDays);

    /// <summary>Reads the section <c>ApiKeys</c>; an incomplete or malformed entry fails the start.</summary>
    public static IReadOnlyList<ConfiguredKey> Read(IConfiguration configuration)
    {
        var entries = new List<ConfiguredKey>();
        foreach (var section in configuration.GetSection("ApiKeys").GetChildren())
        {
            var name = $"ApiKeys__{section.Key}";
            var slug = section["Slug"];
            var sha256 = section["Sha256"];
            string[] scopes = section["Scopes"] is { } list
                ? list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries)
                : [.. section.GetSection("Scopes").GetChildren().Select(scope => scope.Value ?? "")];
            if (string.IsNullOrEmpty(slug))
                throw new StartupException($"{name}__Slug is missing: the slug of the organization that the key belongs to.");
            if (sha256 is not { Length: 64 } || !sha256.All(char.IsAsciiHexDigit))
                throw new StartupException($"{name}__Sha256 must be the SHA-256 of the whole key, as 64 hexadecimal digits.");
            if (scopes.FirstOrDefault(scope => !KeyScope.IsKnown(scope)) is not null)
                throw new StartupException($"{name}__Scopes may name {string.Join(", ", KeyScope.All)}.");
            entries.Add(new(slug, Convert.FromHexString(sha256), scopes.Length == 0 ? [KeyScope.Ingest] : scopes));
        }
        return entries;
    }

    internal sealed record ConfiguredKey(string Slug, byte[] Sha256, IReadOnlyList<string> Scopes);
}
