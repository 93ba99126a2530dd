using ChatLogger.Data;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Records that conversations and Idempotency-Keys are gone: what is known by them is not made again.</summary>
internal sealed class Tombstones(IngestSettings settings, TimeProvider time)
{
    /// <summary>For how long a conversation does not come back.</summary>
    public static readonly TimeSpan OfConversations = TimeSpan.FromDays(30);

    /// <summary>
    /// Records conversations that are deleted, in the transaction of the deletion, which has locked the log of the organization.
    /// </summary>
    public Task Add(Sql.Transaction transaction, Guid orgId, OrganizationSecret secret, IEnumerable<string?> externalIds)
    {
        var expiresAt = time.GetUtcNow() + OfConversations;
        return Insert(transaction, orgId, [.. externalIds.OfType<string>().Select(id => (secret.OfConversation(id), expiresAt))]);
    }

    /// <summary>Records Idempotency-Keys of chats that are removed.</summary>
    public Task Add(Sql.Transaction transaction, Guid orgId, OrganizationSecret secret, IEnumerable<ForgottenKey> keys) => Insert(
        transaction,
        orgId,
        [.. keys.Select(key => (secret.OfIdempotencyKey(key.Route, key.Key), key.CreatedAt + settings.KeyRetention))]);

    /// <summary>Returns those of the conversations that are gone.</summary>
    public async Task<HashSet<string>> Gone(
        NpgsqlDataSource db, Guid orgId, OrganizationSecret secret, IEnumerable<string> externalIds, CancellationToken ct)
    {
        var asked = externalIds.Distinct(StringComparer.Ordinal)
            .ToDictionary(id => Convert.ToHexStringLower(secret.OfConversation(id)), StringComparer.Ordinal);
        var gone = await db.ReadAsync<string>(
            """
            select encode(t.hmac, 'hex')
            from unnest(@Hmacs) as n(hmac)
            join tombstones t on t.org_id = @OrgId and t.hmac = decode(n.hmac, 'hex')
            where t.expires_at > @Now
            """,
            new { OrgId = orgId, Hmacs = asked.Keys.ToArray(), Now = time.GetUtcNow() },
            ct);
        return gone.Select(hmac => asked[hmac]).ToHashSet(StringComparer.Ordinal);
    }

    private static async Task Insert(Sql.Transaction transaction, Guid orgId, List<(byte[] Hmac, DateTimeOffset ExpiresAt)> tombstones)
    {
        if (tombstones.Count == 0)
            return;
        // Each once, in one order: two transactions cannot deadlock, and a statement cannot change a row twice.
        var rows = tombstones.Select(each => (Hmac: Convert.ToHexStringLower(each.Hmac), each.ExpiresAt))
            .GroupBy(each => each.Hmac, StringComparer.Ordinal)
            .OrderBy(each => each.Key, StringComparer.Ordinal)
            .ToList();
        await transaction.ExecuteAsync(
            """
            insert into tombstones as t (org_id, hmac, expires_at)
            select @OrgId, decode(n.hmac, 'hex'), n.expires_at
            from unnest(@Hmacs, @Times::timestamptz[]) with ordinality as n(hmac, expires_at, no)
            order by n.no
            on conflict (org_id, hmac) do update
            set expires_at = greatest(t.expires_at, excluded.expires_at)
            """,
            new
            {
                OrgId = orgId,
                Hmacs = rows.Select(row => row.Key).ToArray(),
                Times = rows.Select(row => row.Max(each => each.ExpiresAt).ToString("O", null)).ToArray(),
            });
    }

    /// <summary>A key that was removed.</summary>
    internal sealed record ForgottenKey(string Route, string Key, DateTimeOffset CreatedAt);
}
