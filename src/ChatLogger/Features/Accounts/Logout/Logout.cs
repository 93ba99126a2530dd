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
        session.MapPost("/auth/logout", async (Session caller, HttpContext context, SessionCookie cookie, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.Id, caller.UserId, caller.OrgId, ProblemWriter.TraceId(context)), ct);
                cookie.Delete(context);
                return TypedResults.NoContent();
            })
            .WithSummary("Log out.");

    public sealed record Command(Guid SessionId, Guid UserId, Guid? OrgId, string TraceId) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, ILoggerFactory logs) : IRequestHandler<Command>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task Handle(Command command, CancellationToken ct)
        {
            await db.ExecuteAsync(
                """
                delete from sessions
                where id = @SessionId
                  and user_id = @UserId
                """,
                command,
                ct);
            SecurityEvents.LoggedOut(_log, command.UserId, command.OrgId, command.TraceId);
        }
    }
}
