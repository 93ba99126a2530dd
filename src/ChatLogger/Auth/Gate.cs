using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// Lets a request through to its endpoint, or refuses it, in the order callers can rely on: 401, then the organization in the path (404), then
/// role, scope and origin (403). What it found out about the caller reaches the slice as a typed parameter.
/// </summary>
internal sealed class Gate(
    RequestDelegate next,
    IEnumerable<IApiKeyValidator> keys,
    SessionCookie cookie,
    SessionTokens tokens,
    NpgsqlDataSource db,
    TimeProvider time,
    CorsSettings cors,
    Traffic traffic,
    ILoggerFactory logs)
{
    public const string KeyHeader = "x-organization-api-key";

    private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

    public async Task InvokeAsync(HttpContext context)
    {
        // Routing's own answers (405, 415) are endpoints without a pattern; everything of ours states its policy or is never reached.
        if (context.GetEndpoint() is RouteEndpoint endpoint)
        {
            var access = endpoint.Metadata.GetMetadata<Access>()
                ?? throw new InvalidOperationException($"The endpoint {endpoint.DisplayName} states no policy.");
            await Pass(context, access);
        }
        await next(context);
    }

    private Task Pass(HttpContext context, Access access)
    {
        switch (access.Door)
        {
            case Door.Plugin:
                return PassPlugin(context, access);
            case Door.Session:
                return PassSession(context);
            case Door.Organization:
                return PassMember(context, access);
            default:
                SameOrigin.Require(context, cors);
                return Task.CompletedTask;
        }
    }

    private async Task PassPlugin(HttpContext context, Access access)
    {
        var sent = context.Request.Headers[KeyHeader];
        var key = sent.Count == 1 ? ApiKey.Parse(sent[0]) : null;
        ApiKeyGrant? grant = null;
        if (key is not null)
        {
            foreach (var validator in keys)
            {
                grant = await validator.Validate(key, context.RequestAborted);
                if (grant is not null)
                    break;
            }
        }
        if (key is null || grant is null)
            throw Problem.Unauthenticated($"A valid API key is needed, once, in the header {KeyHeader}.");

        if (context.Request.RouteValues["slug"] is not string slug || slug != grant.OrgSlug)
            throw NoSuchOrganization();

        var caller = new PluginCaller(grant.OrgId, grant.OrgSlug, key.PublicId);
        var origin = context.Request.Headers.Origin;
        if (grant.AllowedOrigins.Length > 0 && origin.Count > 0 && !grant.AllowedOrigins.Contains(origin.ToString(), StringComparer.Ordinal))
            throw Denied(context, "key " + key.PublicId, grant.OrgId, access, "This key may not be used from this origin.");
        if (!access.Allowed.All(grant.Scopes.Contains))
            throw Denied(context, "key " + key.PublicId, grant.OrgId, access, $"The key lacks the scope {string.Join(", ", access.Allowed)}.");
        traffic.Wrote();
        context.Features.Set(caller);
    }

    private async Task PassSession(HttpContext context)
    {
        context.Features.Set(await Authenticate(context));
        SameOrigin.Require(context, cors);
    }

    private async Task PassMember(HttpContext context, Access access)
    {
        var session = await Authenticate(context);
        var member = await ActingIn(context.Request.RouteValues["org"] as string ?? "", session, context.RequestAborted);
        SameOrigin.Require(context, cors);
        if (!access.Allowed.Contains(member.Role))
            throw Denied(context, "member " + session.UserId, member.OrgId, access, $"This needs the role {string.Join(" or ", access.Allowed)}.");
        context.Features.Set(member);
    }

    private async Task<Session> Authenticate(HttpContext context)
    {
        Session? session = null;
        if (cookie.Read(context) is { } token && tokens.Read(token) is var (sessionId, userId))
        {
            session = await db.QuerySingleOrDefaultAsync<Session>(
                """
                select s.id, u.id as user_id, u.org_id, o.slug as org_slug, u.role
                from sessions s
                join users u on u.id = s.user_id
                left join organizations o on o.id = u.org_id
                where s.id = @SessionId
                  and s.user_id = @UserId
                  and s.expires_at > @Now
                  and u.disabled_at is null
                  and u.removed_at is null
                  and o.deleted_at is null
                """,
                new { SessionId = sessionId, UserId = userId, Now = time.GetUtcNow() },
                context.RequestAborted);
        }
        return session ?? throw Problem.Unauthenticated("You are not logged in, or your session has ended.");
    }

    private async Task<Member> ActingIn(string org, Session session, CancellationToken ct)
    {
        if (session is { OrgId: { } ownId, OrgSlug: { } ownSlug })
            return org == "me" || org == ownSlug ? new(ownId, ownSlug, session.UserId, session.Role) : throw NoSuchOrganization();
        if (org == "me")
            throw Problem.NoOrganization();
        var orgId = await db.QuerySingleOrDefaultAsync<Guid?>(
            """
            select id
            from organizations
            where slug = @Slug
              and deleted_at is null
            """,
            new { Slug = org },
            ct);
        return orgId is { } id ? new(id, org, session.UserId, MemberRole.Admin) : throw NoSuchOrganization();
    }

    private Problem Denied(HttpContext context, string actor, Guid orgId, Access access, string detail)
    {
        SecurityEvents.AccessDenied(_log, actor, orgId, access.Policy, ProblemWriter.TraceId(context));
        return Problem.Forbidden(detail);
    }

    private static Problem NoSuchOrganization() => Problem.NotFound("No such organization.");
}
