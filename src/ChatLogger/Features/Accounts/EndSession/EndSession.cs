using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>DELETE /users/me/sessions/{sessionId}: a member ends one of their own sessions, on every instance.</summary>
internal static class EndSession
{
    public static void Map(IEndpointRouteBuilder session) =>
        session
            .MapDelete(
                "/users/me/sessions/{sessionId}",
                async (
                    PathId sessionId, Session caller, Actor actor, HttpContext context, SessionCookie cookie, ISender sender,
                    CancellationToken ct) =>
                {
                    await sender.Send(new Command(sessionId, caller.Id, caller.UserId, caller.OrgId, actor), ct);
                    if (sessionId == caller.Id)
                        cookie.Delete(context);
                    return TypedResults.NoContent();
                })
            .WithSummary("End one of your own sessions.")
            .WithDescription("Its browser or program must log in again. The session of this request may be ended, too, which is a logout.");

    public sealed record Command(Guid SessionId, Guid CurrentId, Guid UserId, Guid? OrgId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit, TimeProvider time) : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var ended = await db.InTransactionAsync(
                async transaction =>
                {
                    var rows = await transaction.ExecuteAsync(
                        """
                        delete from sessions
                        where id = @SessionId
                          and user_id = @UserId
                          and expires_at > @Now
                        """,
                        new { command.SessionId, command.UserId, Now = time.GetUtcNow() });
                    if (rows == 0)
                        return false;
                    await audit.Write(
                        transaction,
                        command.SessionId == command.CurrentId
                            ? AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.LoggedOut, command.UserId)
                            : AuditEvent.OfSession(command.OrgId, command.Actor, AuditAction.SessionEnded, command.SessionId));
                    return true;
                },
                ct);
            if (!ended)
                throw ProblemException.NotFound("You have no such session.");
        }
    }
}
