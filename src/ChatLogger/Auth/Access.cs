using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>Which credential opens an endpoint.</summary>
internal enum Door
{
    /// <summary>None is asked for.</summary>
    Open,

    /// <summary>An organization's API key.</summary>
    Plugin,

    /// <summary>A member's session, in no organization: as a person, or as a superadmin.</summary>
    Session,

    /// <summary>A member's session, acting in the organization named in the path, or else in their own.</summary>
    Organization,

    /// <summary>The operator's token, which is no member's and no organization's.</summary>
    Operator,
}

/// <summary>
/// Who may call an endpoint. Every endpoint has exactly one; <see cref="Gate"/> enforces it, <c>docs/routes.txt</c> publishes it. A superadmin
/// acts in an organization as its admin, and so is not listed.
/// </summary>
internal sealed record Access(Door Door, string Policy, IReadOnlyList<string> Allowed)
{
    public static readonly Access Anyone = new(Door.Open, "anyone", []);

    public static readonly Access AnyMember = new(Door.Session, "any member", []);

    public static readonly Access Operator = new(Door.Operator, "operator's token", []);

    /// <summary>Above the organizations; in one of them a superadmin is let in by <see cref="Role"/>.</summary>
    public static readonly Access Superadmin = new(Door.Session, MemberRole.Superadmin, [MemberRole.Superadmin]);

    public static Access Key(string scope) => new(Door.Plugin, $"key with scope {scope}", [scope]);

    public static Access Role(params string[] roles) => new(Door.Organization, string.Join(", ", roles), roles);
}

internal static class AccessExtensions
{
    /// <summary>States who may call the endpoints of the group. As every endpoint must have this, they also get here what all have in common.</summary>
    public static TBuilder Allow<TBuilder>(this TBuilder builder, Access access)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(access).AddEndpointFilter(Deadline.EndsWithTheHandler);

    /// <summary>Refuses the start of a service with an endpoint that does not say who may call it, or says it twice.</summary>
    public static void RequireAccess(this IApplicationBuilder app) => app.Use(next =>
    {
        // The pipeline is put together at the start, when all endpoints are there and before the first request.
        var endpoints = app.ApplicationServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        if (endpoints.FirstOrDefault(endpoint => endpoint.Metadata.OfType<Access>().Count() != 1) is { } careless)
            throw new InvalidOperationException($"The endpoint {careless.DisplayName} must state once who may call it.");
        return next;
    });
}
