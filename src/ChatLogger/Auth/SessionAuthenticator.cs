using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>Finds who sends a request of the dashboard API, and in which organization they act.</summary>
internal sealed class SessionAuthenticator(
    SessionCookie cookie, SessionTokens tokens, NpgsqlDataSource db, LastUsedTracker uses, TimeProvider time)
{
    /// <summary>The session of the request's cookie; 401 without a live one.</summary>
    public async Task<Session> Authenticate(HttpContext context)
    {
        Session? session = null;
        if (cookie.Read(context) is { } token && tokens.Read(token) is var (sessionId, userId))
        {
            session = await db.ReadSingleOrDefaultAsync<Session>(
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
        if (session is null)
            throw ProblemException.Unauthenticated("You are not logged in, or your session has ended.");
        uses.Record(session.Id, time.GetUtcNow());
        return session;
    }

    /// <summary>
    /// The member of an organization as which the session acts: its own, or any one for a superadmin; 404 for every other.
    /// </summary>
    public async Task<Member> ResolveOrganization(string org, Session session, CancellationToken ct)
    {
        if (session is { OrgId: { } ownId, OrgSlug: { } ownSlug })
            return org == "me" || org == ownSlug
                ? new(ownId, ownSlug, session.UserId, session.Role) { OrgInPath = org }
                : throw NoSuchOrganization();
        if (org == "me")
            throw ProblemException.NoOrganization();
        var orgId = await db.ReadSingleOrDefaultAsync<Guid?>(
            """
            select id
            from organizations
            where slug = @Slug
              and deleted_at is null
            """,
            new { Slug = org },
            ct);
        return orgId is { } id ? new(id, org, session.UserId, MemberRole.Admin) { OrgInPath = org } : throw NoSuchOrganization();
    }

    public static ProblemException NoSuchOrganization() => ProblemException.NotFound("No such organization.");
}
