using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>The kind of credential that an endpoint requires.</summary>
internal enum CredentialKind
{
    /// <summary>No credential.</summary>
    None,

    /// <summary>An organization's API key.</summary>
    ApiKey,

    /// <summary>A member's session outside an organization: for the member's own account, or as a superadmin.</summary>
    Session,

    /// <summary>A member's session in the organization that the path names, or else in the member's own.</summary>
    OrganizationSession,

    /// <summary>The operator's token, which belongs to no member and no organization.</summary>
    OperatorToken,
}

/// <summary>
/// Who may call an endpoint. Every endpoint has exactly one policy; <see cref="AuthorizationMiddleware"/> enforces it and
/// <c>docs/routes.txt</c> publishes it. A superadmin acts in an organization as its admin, so the role is not listed.
/// </summary>
internal sealed record EndpointPolicy(CredentialKind Credential, string Description, IReadOnlyList<string> Allowed)
{
    /// <summary>Whether the path names no organization, and Basic is accepted.</summary>
    public bool IsIntegration { get; private init; }

    public static readonly EndpointPolicy Anyone = new(CredentialKind.None, "anyone", []);

    public static readonly EndpointPolicy AnyMember = new(CredentialKind.Session, "any member", []);

    public static readonly EndpointPolicy Operator = new(CredentialKind.OperatorToken, "operator's token", []);

    /// <summary>For routes above the organizations; within an organization <see cref="Role"/> admits a superadmin.</summary>
    public static readonly EndpointPolicy Superadmin = new(CredentialKind.Session, MemberRole.Superadmin, [MemberRole.Superadmin]);

    public static EndpointPolicy Key(string scope) => new(CredentialKind.ApiKey, $"key with scope {scope}", [scope]);

    /// <summary>
    /// For the protocols of other services: the organization is the key's, and the key may also be the password of HTTP Basic.
    /// </summary>
    public static EndpointPolicy IntegrationKey(string scope) =>
        new(CredentialKind.ApiKey, $"key with scope {scope}", [scope]) { IsIntegration = true };

    public static EndpointPolicy Role(params string[] roles) => new(CredentialKind.OrganizationSession, string.Join(", ", roles), roles);
}

internal static class EndpointPolicyExtensions
{
    /// <summary>
    /// Sets the policy of the endpoints. Because every endpoint needs one, this also adds the filter that all endpoints share.
    /// </summary>
    public static TBuilder RequireAccess<TBuilder>(this TBuilder builder, EndpointPolicy access)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(access).AddEndpointFilter(Deadline.EndWithHandler);

    /// <summary>Fails the start if an endpoint has no policy or more than one.</summary>
    public static void RequirePolicyOnEveryEndpoint(this IApplicationBuilder app) => app.Use(next =>
    {
        // The pipeline is built at startup, when all endpoints are mapped and before the first request.
        var endpoints = app.ApplicationServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();
        if (endpoints.FirstOrDefault(endpoint => endpoint.Metadata.OfType<EndpointPolicy>().Count() != 1) is { } unprotected)
            throw new InvalidOperationException($"The endpoint {unprotected.DisplayName} must state once who may call it.");
        return next;
    });
}
