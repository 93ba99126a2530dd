using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /auth/logout: a member ends their session, on every instance.</summary>
internal static class Logout
{
    public static void Map(IEndpointRouteBuilder session) =>
        session
            .MapPost(
                "/auth/logout",
                async (Session caller, Actor actor, HttpContext context, SessionCookie cookie, ISender sender, CancellationToken ct) =>
                {
                    await sender.Send(new Command(caller.Id, caller.UserId, caller.OrgId, actor), ct);
                    cookie.Delete(context);
                    return TypedResults.NoContent();
                })
            .WithMetadata(new ResponseMetadata(204, "Set-Cookie"))
            .WithSummary("Log out.");

    public sealed record Command(Guid SessionId, Guid UserId, Guid? OrgId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit) : IRequestHandler<Command>
    {
        public Task Handle(Command command, CancellationToken ct) => db.InTransactionAsync(
            async transaction =>
            {
                var ended = await transaction.ExecuteAsync(
                    """
                    delete from sessions
                    where id = @SessionId
                      and user_id = @UserId
                    """,
                    command);
                await audit.Write(transaction, AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.LoggedOut, command.UserId));
                return ended;
            },
            ct);
    }
}
