using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// DELETE /orgs/me/apikeys/{keyId}: an admin revokes an API key of the organization permanently. The request is idempotent.
/// </summary>
internal static class RevokeApiKey
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapDelete("/apikeys/{keyId}", async (PathId keyId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, keyId, actor), ct);
                return TypedResults.NoContent();
            })
            .WithSummary("Revoke an API key.");

    public sealed record Command(Guid OrgId, Guid KeyId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, AuditLog audit, ApiKeyCache keys) : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var (_, now) = ids.Next();
            var revoked = await db.InTransactionAsync(
                async transaction =>
                {
                    var key = await transaction.QuerySingleOrDefaultAsync<Row>(
                        """
                        update api_keys
                        set revoked_at = coalesce(revoked_at, @Now)
                        where org_id = @OrgId
                          and id = @KeyId
                        returning public_id, revoked_at
                        """,
                        new { command.OrgId, command.KeyId, Now = now });
                    // The revocation of an already revoked key is not audited again.
                    if (key?.RevokedAt == now)
                        await audit.Write(
                            transaction,
                            AuditEvent.OfKey(command.OrgId, command.Actor, AuditAction.KeyRevoked, key.PublicId));
                    return key;
                },
                ct);
            if (revoked is null)
                throw ProblemException.NotFound("No such key in this organization.");
            keys.Invalidate(revoked.PublicId);
        }
    }

    private sealed record Row(string PublicId, DateTimeOffset? RevokedAt);
}
