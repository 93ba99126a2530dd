using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// DELETE /orgs/{slug}: a superadmin deletes an organization; access ends at once, and its data is purged in the background.
/// </summary>
internal static class DeleteOrganization
{
    public static void Map(IEndpointRouteBuilder superadmins) =>
        superadmins.MapDelete("/orgs/{slug}", async (string slug, Actor actor, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(slug, actor), ct);
                return TypedResults.Accepted((string?)null);
            })
            .WithSummary("Delete an organization.")
            .WithDescription(
                "There is no way back. Its keys and sessions are dead at once and its exports end; conversations, files, keys and what "
                    + "is known of its members are removed in the background. The slug stays taken, the audit log is kept.");

    public sealed record Command(string Slug, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, IEnumerable<IOrganizationPurger> kept, AuditLog audit, OrganizationLog organizationLog)
        : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var deleted = await db.InTransactionAsync<Guid?>(
                async transaction =>
                {
                    // Uses the database's clock, because the purge compares with the same clock.
                    var orgId = await transaction.QuerySingleOrDefaultAsync<Guid?>(
                        """
                        update organizations
                        set deleted_at = now()
                        where slug = @Slug
                          and deleted_at is null
                        returning id
                        """,
                        command);
                    if (orgId is not { } id)
                        return null;
                    foreach (var data in kept)
                        await data.Deactivate(transaction, id);
                    await audit.Write(transaction, AuditEvent.OfOrganization(id, command.Actor, AuditAction.OrganizationDeleted));
                    return id;
                },
                ct);
            // If the service is killed here, the purge closes it.
            await organizationLog.Close(deleted ?? throw ProblemException.NotFound("No such organization."), ct);
        }
    }
}
