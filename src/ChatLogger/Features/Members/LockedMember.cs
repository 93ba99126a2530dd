using ChatLogger.Auth;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// A member whose row is locked for a change or removal until the transaction ends, and whether the organization has another active admin.
/// </summary>
internal sealed record LockedMember(string? Name, string Role, bool Disabled, bool OthersAreAdmins)
{
    /// <summary>Whether the organization would have no active admin without this member.</summary>
    public bool IsLastAdmin => Role == MemberRole.Admin && !Disabled && !OthersAreAdmins;

    /// <summary>Locks the member; returns null if the organization has no such member.</summary>
    public static async Task<LockedMember?> Lock(Sql.Transaction transaction, Guid orgId, Guid memberId)
    {
        // Locks the organization first, so that concurrent transactions cannot remove its last two admins. The lock is a statement of its
        // own, so that the next statement sees which admins the previous transaction has left.
        await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", new { OrgId = orgId });
        return await transaction.QuerySingleOrDefaultAsync<LockedMember>(
            """
            select name, role, disabled_at is not null as disabled, exists (
                       select
                       from users
                       where org_id = @OrgId
                         and id <> @MemberId
                         and role = 'admin'
                         and disabled_at is null
                         and removed_at is null
                   ) as others_are_admins
            from users
            where org_id = @OrgId
              and id = @MemberId
              and removed_at is null
            for no key update
            """,
            new { OrgId = orgId, MemberId = memberId });
    }
}
