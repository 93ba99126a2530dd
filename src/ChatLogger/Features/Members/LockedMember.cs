using ChatLogger.Auth;
using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>
/// A member as they are when they are to be changed or removed, and stay until the transaction ends; and whether the organization has no other
/// active admin.
/// </summary>
internal sealed record LockedMember(string? Name, string Role, bool Disabled, bool OthersAreAdmins)
{
    /// <summary>Whether the organization would be left without an active admin if this member were none.</summary>
    public bool IsLastAdmin => Role == MemberRole.Admin && !Disabled && !OthersAreAdmins;

    /// <summary>Null: no such member in this organization.</summary>
    public static async Task<LockedMember?> Lock(Sql.Transaction transaction, Guid orgId, Guid memberId)
    {
        // Who takes an admin away holds the organization, and so one at a time. The lock comes in a statement of its own: the next one then sees
        // which admins the one before it has left.
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
