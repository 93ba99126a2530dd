using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>DELETE /orgs/me/apikeys/{keyId}: an admin revokes a key of the organization, for good; doing it again changes nothing.</summary>
internal static class RevokeApiKey
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapDelete("/apikeys/{keyId}", async (PathId keyId, Member caller, HttpContext context, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, keyId, "member " + caller.UserId, ProblemWriter.TraceId(context)), ct);
                return TypedResults.NoContent();
            })
            .WithSummary("Revoke an API key.");

    public sealed record Command(Guid OrgId, Guid KeyId, string Actor, string TraceId) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, TimeProvider time, ILoggerFactory logs) : IRequestHandler<Command>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task Handle(Command command, CancellationToken ct)
        {
            var found = await db.ExecuteAsync(
                """
                update api_keys
                set revoked_at = coalesce(revoked_at, @Now)
                where org_id = @OrgId
                  and id = @KeyId
                """,
                new { command.OrgId, command.KeyId, Now = time.GetUtcNow() },
                ct);
            if (found == 0)
                throw Problem.NotFound("No such key in this organization.");
            SecurityEvents.KeyRevoked(_log, command.Actor, command.OrgId, command.KeyId, command.TraceId);
        }
    }
}
