using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>DELETE /orgs/me/webhooks/{webhookId}: an admin deletes a webhook, with its deliveries.</summary>
internal static class DeleteWebhook
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapDelete(
                "/webhooks/{webhookId}",
                async (PathId webhookId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                {
                    await sender.Send(new Command(caller.OrgId, webhookId, actor), ct);
                    return TypedResults.NoContent();
                })
            .WithSummary("Delete a webhook.")
            .WithDescription("Nothing is sent to it any more, but what is being sent right now; its deliveries are removed soon after.");

    public sealed record Command(Guid OrgId, Guid WebhookId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit) : IRequestHandler<Command>
    {
        public Task Handle(Command command, CancellationToken ct) => db.InTransactionAsync(
            async transaction =>
            {
                if (await transaction.ExecuteAsync("delete from webhooks where org_id = @OrgId and id = @WebhookId", command) == 0)
                    throw ProblemException.NotFound("No such webhook in this organization.");
                await audit.Write(
                    transaction,
                    AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookDeleted, command.WebhookId));
                return true;
            },
            ct);
    }
}
