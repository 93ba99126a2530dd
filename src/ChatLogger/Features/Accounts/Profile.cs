namespace ChatLogger.Features;

/// <summary>
/// A member, as the member and the organization's admins see them; <c>status</c> is active or disabled, a superadmin has no org.
/// </summary>
internal sealed record Profile(
    Guid Id,
    string Email,
    string? Name,
    string Role,
    string Status,
    Profile.Organization? Org,
    DateTimeOffset CreatedAt)
{
    public sealed record Organization(Guid Id, string Slug, string Name);

    /// <summary>The columns of a profile, selected from <c>users u left join organizations o</c>.</summary>
    public const string Columns =
        """
        u.id, u.email, u.name, u.role, case when u.disabled_at is null then 'active' else 'disabled' end as status,
               o.id as org_id, o.slug as org_slug, o.name as org_name, u.created_at
        """;

    public sealed record Row(
        Guid Id,
        string Email,
        string? Name,
        string Role,
        string Status,
        Guid? OrgId,
        string? OrgSlug,
        string? OrgName,
        DateTimeOffset CreatedAt)
    {
        public Profile ToProfile() =>
            new(Id, Email, Name, Role, Status, OrgId is { } id ? new Organization(id, OrgSlug!, OrgName!) : null, CreatedAt);
    }
}
