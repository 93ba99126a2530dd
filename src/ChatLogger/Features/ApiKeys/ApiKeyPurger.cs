using ChatLogger.Auth;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Purges the API keys of a deleted organization.</summary>
internal sealed class ApiKeyPurger(NpgsqlDataSource db, ApiKeyCache keys) : IOrganizationPurger
{
    public Task Deactivate(Sql.Transaction transaction, Guid orgId)
    {
        transaction.AfterCommit(() => keys.InvalidateOrganization(orgId));
        return transaction.ExecuteAsync(
            """
            update api_keys
            set revoked_at = date_trunc('milliseconds', now())
            where org_id = @OrgId
              and revoked_at is null
            """,
            new { OrgId = orgId });
    }

    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        await db.ExecuteAsync(DeleteBatch.Of("api_keys", "order by id"), piece, ct);
        return await db.ReadSingleOrDefaultAsync<bool>("select exists (select from api_keys where org_id = @OrgId)", piece, ct);
    }
}
