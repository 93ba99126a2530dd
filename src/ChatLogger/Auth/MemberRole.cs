namespace ChatLogger.Auth;

/// <summary>What a member may do; spelled as in the database and on the wire.</summary>
internal static class MemberRole
{
    /// <summary>Belongs to no organization, acts in each as its admin.</summary>
    public const string Superadmin = "superadmin";

    /// <summary>Manages the organization and exports its conversations.</summary>
    public const string Admin = "admin";

    /// <summary>Reads and writes the chats attributed to them.</summary>
    public const string User = "user";

    /// <summary>Reads everything in the organization, changes nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>Those of an organization's members.</summary>
    public static readonly IReadOnlyList<string> OfOrganization = [Admin, User, Viewer];

    public static bool IsOfOrganization(string? role) => role is not null && OfOrganization.Contains(role);
}
