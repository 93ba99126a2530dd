namespace ChatLogger.Auth;

/// <summary>The roles of members, spelled as in the database and in the API.</summary>
internal static class MemberRole
{
    /// <summary>Belongs to no organization and acts in each as its admin.</summary>
    public const string Superadmin = "superadmin";

    /// <summary>Manages the organization and exports its chats.</summary>
    public const string Admin = "admin";

    /// <summary>Reads and writes the chats attributed to them.</summary>
    public const string User = "user";

    /// <summary>Reads everything in the organization and changes nothing.</summary>
    public const string Viewer = "viewer";

    /// <summary>The roles that an organization's members can have.</summary>
    public static readonly IReadOnlyList<string> OfOrganization = [Admin, User, Viewer];

    public static bool IsOfOrganization(string? role) => role is not null && OfOrganization.Contains(role);
}
