using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>Which credential opens an endpoint.</summary>
internal enum CredentialKind
{
    /// <summary>None is asked for.</summary>
    None,

    /// <summary>An organization's API key.</summary>
    ApiKey,

    /// <summary>A member's session, in no organization: as a person, or as a superadmin.</summary>
    Session,

    /// <summary>A member's session, acting in the organization named in the path, or else in their own.</summary>
    OrganizationSession,

    /// <summary>The operator's token, which is no member's and no organization's.</summary>
    OperatorToken,
}

/// <summary>
/// Who may call an endpoint. Every endpoint has exactly one; <see cref="AuthorizationMiddleware"/> enforces it, <c>docs/routes.txt</c> publishes it. A superadmin
/// acts in an organization as its admin, and so is not listed.
/// </summary>
internal sealed record EndpointPolicy(CredentialKind Credential, string Description, IReadOnlyList<string> Allowed)
{
    public static readonly EndpointPolicy Anyone = new(CredentialKind.None, "anyone", []);

    public static readonly EndpointPolicy AnyMember = new(CredentialKind.Session, "any member", []);

    public static readonly EndpointPolicy Operator = new(CredentialKind.OperatorToken, "operator's token", []);

    /// <summary>Above the organizations; in one of them a superadmin is let in by <see cref="Role"/>.</summary>
    public static readonly EndpointPolicy Superadmin = new(CredentialKind.Session, MemberRole.Superadmin, [MemberRole.Superadmin]);

    public static EndpointPolicy Key(string scope) => new(CredentialKind.ApiKey, $"key with scope {scope}", [scope]);

    public static EndpointPolicy Role(params string[] roles) => new(CredentialKind.OrganizationSession, string.Join(", ", roles), roles);
}

internal static class EndpointPolicyExtensions
{
    /// <summary>States who may call the endpoints of the group. As every endpoint must have this, they also get here what all have in common.</summary>
    public static TBuilder RequireAccess<TBuilder>(this TBuilder builder, EndpointPolicy access)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(access).AddEndpointFilter(Deadline.EndWithHandler);

    /// <summary>Refuses the start of a service with an endpoint that does not say who may call it, or says it twice.</summary>
    public static void RequirePolicyOnEveryEndpoint(this IApplicationBuilder app) => app.Use(next =>
    {
        // The pipeline is put together at the start, when all endpoints are there and before the first request.
        var endpoints = app.ApplicationServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        if (endpoints.FirstOrDefault(endpoint => endpoint.Metadata.OfType<EndpointPolicy>().Count() != 1) is { } unprotected)
            throw new InvalidOperationException($"The endpoint {unprotected.DisplayName} must state once who may call it.");
        return next;
    });
}
