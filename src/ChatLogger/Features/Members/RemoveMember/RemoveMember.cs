using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// DELETE /orgs/me/users/{userId}: an admin removes a member; the address becomes available again, the chats stay theirs.
/// </summary>
internal static class RemoveMember
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapDelete("/users/{userId}", async (PathId userId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, userId, actor), ct);
                return TypedResults.NoContent();
            })
            .WithMetadata(new ProblemsMetadata(ProblemType.LastAdmin))
            .WithSummary("Remove a member.")
            .WithDescription(
                "Ends their sessions and frees their e-mail address; chats keep their userId. The last active admin cannot be removed (409 "
                    + "last-admin)."
            );

    public sealed record Command(Guid OrgId, Guid MemberId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, AuditLog audit) : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var (_, now) = ids.Next();
            var removed = await db.InTransactionAsync(
                async transaction =>
                {
                    if (await LockedMember.Lock(transaction, command.OrgId, command.MemberId) is not { } member)
                        return false;
                    if (member.IsLastAdmin)
                        throw ProblemException.LastAdmin();
                    await transaction.ExecuteAsync(
                        """
                        with ended as (
                            delete from sessions
                            where user_id = @MemberId
                        )
                        update users
                        set email = null,
                            name = null,
                            password_hash = null,
                            updated_at = @Now,
                            removed_at = @Now
                        where org_id = @OrgId
                          and id = @MemberId
                        """,
                        new
                        {
                            command.OrgId,
                            command.MemberId,
                            Now = now,
                        });
                    await audit.Write(
                        transaction,
                        AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.MemberRemoved, command.MemberId));
                    return true;
                },
                ct);
            if (!removed)
                throw ProblemException.NotFound("No such member in this organization.");
        }
    }
}
