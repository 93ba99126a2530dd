namespace ChatLogger.Auth;

/// <summary>Which credential opens an endpoint.</summary>
internal enum Door
{
    /// <summary>None is asked for.</summary>
    Open,

    /// <summary>An organization's API key.</summary>
    Plugin,

    /// <summary>A member's session, whoever the member is.</summary>
    Session,

    /// <summary>A member's session, acting in the organization named in the path.</summary>
    Organization,
}

/// <summary>
/// Who may call an endpoint. Every endpoint has exactly one; <see cref="Gate"/> enforces it, <c>docs/routes.txt</c> publishes it. A superadmin
/// acts in an organization as its admin, and so is not listed.
/// </summary>
internal sealed record Access(Door Door, string Policy, IReadOnlyList<string> Allowed)
{
    public static readonly Access Anyone = new(Door.Open, "anyone", []);

    public static readonly Access AnyMember = new(Door.Session, "any member", []);

    public static Access Key(string scope) => new(Door.Plugin, $"key with scope {scope}", [scope]);

    public static Access Role(params string[] roles) => new(Door.Organization, string.Join(", ", roles), roles);
}

internal static class AccessExtensions
{
    /// <summary>States who may call the endpoints of the group.</summary>
    public static TBuilder Allow<TBuilder>(this TBuilder builder, Access access)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(access);
}
