using System.Security.Cryptography;
using System.Text;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Microsoft.Extensions.Primitives;

namespace ChatLogger.Auth;

/// <summary>
/// Admits a request to its endpoint or refuses it, in an order that callers can rely on: 401, then the rate limit (429), then the
/// organization in the path (404), then role, scope and origin (403). The slice receives the authenticated caller as a typed parameter.
/// </summary>
internal sealed class AuthorizationMiddleware(
    RequestDelegate next,
    ApiKeyCache keys,
    SessionAuthenticator sessions,
    OriginCheck sameOrigin,
    IngestActivity activity,
    RateLimiters rateLimiters,
    AuditLog audit,
    TelemetrySettings telemetry)
{
    public const string KeyHeader = "x-organization-api-key";

    private const string BearerScheme = "Bearer ";
    private const string BasicScheme = "Basic ";

    public async Task InvokeAsync(HttpContext context)
    {
        // Routing's own endpoints (405, 415) have no pattern; every endpoint of the service must have a policy, or it cannot be called.
        if (context.GetEndpoint() is RouteEndpoint endpoint)
        {
            var access = endpoint.Metadata.GetMetadata<EndpointPolicy>()
                ?? throw new InvalidOperationException($"The endpoint {endpoint.DisplayName} states no policy.");
            await Authorize(context, access);
        }
        await next(context);
    }

    private Task Authorize(HttpContext context, EndpointPolicy access)
    {
        switch (access.Credential)
        {
            case CredentialKind.ApiKey:
                return AuthorizePlugin(context, access);
            case CredentialKind.Session:
                return AuthorizeSession(context, access);
            case CredentialKind.OrganizationSession:
                return AuthorizeMember(context, access);
            case CredentialKind.OperatorToken:
                return AuthorizeOperator(context);
            default:
                sameOrigin.Require(context);
                return Task.CompletedTask;
        }
    }

    private async Task AuthorizePlugin(HttpContext context, EndpointPolicy access)
    {
        var sent = Keys(context.Request.Headers, access.IsIntegration);
        var (key, grant) = sent.Count == 1 ? keys.Known(sent[0]) : default;
        if (grant is null)
            (key, grant) = await LookUp(context, sent, access.IsIntegration);
        if ((rateLimiters.Ingest(grant.OrgId, key!.PublicId) ?? Widget(context, key, grant)) is { } wait)
            throw await Throttled(context, new Actor("key", key.PublicId, ProblemWriter.TraceId(context)), grant.OrgId, wait);

        if (!access.IsIntegration && (context.Request.RouteValues["slug"] is not string slug || slug != grant.OrgSlug))
            throw SessionAuthenticator.NoSuchOrganization();

        var caller = new PluginCaller(grant.OrgId, grant.OrgSlug, key.PublicId, grant.Scopes)
        {
            IsPublic = grant.AllowedOrigins.Length > 0,
            Policy = grant.Policy,
        };
        var origin = context.Request.Headers.Origin;
        if (origin.Count > 0 && KeyScope.AreForServers(grant.Scopes))
            throw await Denied(
                context,
                Actor.Of(caller, ProblemWriter.TraceId(context)),
                grant.OrgId,
                "This key may not be used from a page: it has more scopes than ingest, so it belongs on a server.");
        if (
            grant.AllowedOrigins.Length > 0
            && origin.Count > 0
            && !(origin.Count == 1 && grant.AllowedOrigins.Contains(origin.ToString(), StringComparer.Ordinal)))
            throw await Denied(
                context,
                Actor.Of(caller, ProblemWriter.TraceId(context)),
                grant.OrgId,
                "This key may not be used from this origin: it is not among its allowedOrigins.");
        if (!access.Allowed.All(grant.Scopes.Contains))
            throw await Denied(
                context,
                Actor.Of(caller, ProblemWriter.TraceId(context)),
                grant.OrgId,
                $"The key lacks the scope {string.Join(", ", access.Allowed)}.");
        activity.RecordWrite();
        context.Features.Set(caller);
    }

    private TimeSpan? Widget(HttpContext context, ApiKey key, ApiKeyGrant grant) =>
        grant.AllowedOrigins.Length > 0 ? rateLimiters.Widget(key.PublicId, ClientAddress.Of(context)) : null;

    private async Task AuthorizeSession(HttpContext context, EndpointPolicy access)
    {
        var session = await sessions.Authenticate(context);
        await Throttle(context, session);
        sameOrigin.Require(context);
        if (access.Allowed.Count > 0 && !access.Allowed.Contains(session.Role))
            throw await Denied(
                context,
                Actor.Of(session, ProblemWriter.TraceId(context)),
                null,
                $"This needs the role {string.Join(" or ", access.Allowed)}.");
        context.Features.Set(session);
    }

    private async Task AuthorizeMember(HttpContext context, EndpointPolicy access)
    {
        var session = await sessions.Authenticate(context);
        await Throttle(context, session);
        var org = context.Request.RouteValues["org"] as string ?? "me";
        var member = await sessions.ResolveOrganization(org, session, context.RequestAborted);
        sameOrigin.Require(context);
        if (!access.Allowed.Contains(member.Role))
            throw await Denied(
                context,
                Actor.Of(session, ProblemWriter.TraceId(context)),
                member.OrgId,
                $"This needs the role {string.Join(" or ", access.Allowed)}.");
        context.Features.Set(session);
        context.Features.Set(member);
    }

    // A wrong token counts like an invalid key. The correct token is never rate limited, because comparing it is cheap.
    private async Task AuthorizeOperator(HttpContext context)
    {
        var sent = context.Request.Headers.Authorization;
        var expected = Encoding.UTF8.GetBytes($"Bearer {telemetry.MetricsToken}");
        if (
            telemetry.MetricsToken is null
            || sent.Count != 1
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent.ToString()), expected))
        {
            if (sent.Count > 0 && rateLimiters.InvalidKey(ClientAddress.Of(context), asked: false) is { } pause)
                throw await Throttled(context, Actor.Anonymous(ProblemWriter.TraceId(context)), null, pause);
            throw ProblemException.Unauthenticated("The operator's token is needed: Authorization: Bearer and the token.");
        }
    }

    // Handles a key that is not cached as live. A caller who sends many invalid keys is rate limited and cannot load the database with
    // them.
    private async Task<(ApiKey Key, ApiKeyGrant Grant)> LookUp(HttpContext context, StringValues sent, bool isIntegration)
    {
        var address = ClientAddress.Of(context);
        var mayAsk = rateLimiters.MayLookUpKey(address);
        var (key, grant) = sent.Count == 1 && mayAsk ? await keys.Find(sent[0], context.RequestAborted) : default;
        if (key is not null && grant is not null)
            return (key, grant);
        // A request without any key is not an attempt with an invalid key, so it does not count.
        if (sent.Count > 0 && rateLimiters.InvalidKey(address, asked: key is not null) is { } pause)
            throw await Throttled(context, Actor.Anonymous(ProblemWriter.TraceId(context)), null, pause);
        throw ProblemException.Unauthenticated(
            $"A valid API key is needed, once, in the header {KeyHeader} or as Authorization: Bearer"
                + (isIntegration ? ", or as the password of Authorization: Basic." : "."));
    }

    // A key in both headers counts as two keys, even if they are equal. An Authorization header with another scheme is ignored: it is meant
    // for a proxy in between.
    private static StringValues Keys(IHeaderDictionary headers, bool isIntegration)
    {
        var keys = headers[KeyHeader];
        var mayBeBasic = isIntegration && keys.Count == 0;
        foreach (var sent in headers.Authorization)
        {
            if (sent is not null && sent.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase))
                keys = StringValues.Concat(keys, sent[BearerScheme.Length..].TrimStart(' '));
            else if (mayBeBasic && sent is not null && sent.StartsWith(BasicScheme, StringComparison.OrdinalIgnoreCase))
                keys = StringValues.Concat(keys, Password(sent[BasicScheme.Length..].Trim(' ')));
        }
        return keys;
    }

    // A malformed one is a key that is not valid.
    private static string Password(string credentials)
    {
        var decoded = new byte[credentials.Length];
        return Convert.TryFromBase64String(credentials, decoded, out var length)
            && Encoding.UTF8.GetString(decoded, 0, length).Split(':', 2) is [_, var password]
                ? password
                : "";
    }

    private async Task Throttle(HttpContext context, Session session)
    {
        var metadata = context.GetEndpoint()!.Metadata;
        if (metadata.GetMetadata<WithoutMemberRate>() is null
            && rateLimiters.Member(session.UserId, metadata.GetOrderedMetadata<EndpointRateLimit>()) is { } wait)
            throw await Throttled(context, Actor.Of(session, ProblemWriter.TraceId(context)), session.OrgId, wait);
    }

    private async Task<ProblemException> Throttled(HttpContext context, Actor actor, Guid? orgId, TimeSpan wait)
    {
        await audit.WriteRefusal(AuditEvent.OfRoute(orgId, actor, AuditAction.Throttled, Route(context)), context.RequestAborted);
        return ProblemException.Throttled("Too many requests. Try again when the time in Retry-After has passed.", wait);
    }

    private async Task<ProblemException> Denied(HttpContext context, Actor actor, Guid? orgId, string detail)
    {
        await audit.WriteRefusal(AuditEvent.OfRoute(orgId, actor, AuditAction.AccessDenied, Route(context)), context.RequestAborted);
        return ProblemException.Forbidden(detail);
    }

    private static string Route(HttpContext context) =>
        $"{context.Request.Method} /{((RouteEndpoint)context.GetEndpoint()!).RoutePattern.RawText?.Trim('/')}";
}
