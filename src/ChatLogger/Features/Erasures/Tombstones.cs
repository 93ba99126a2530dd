using ChatLogger.Data;
using ChatLogger.Ingest;

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
