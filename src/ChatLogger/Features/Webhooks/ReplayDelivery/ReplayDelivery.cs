using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using MediatR;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/webhooks/deliveries/{deliveryId}/replay: an admin has a delivery sent again, whatever became of it.</summary>
internal static class ReplayDelivery
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost(
                "/webhooks/deliveries/{deliveryId}/replay",
                async (PathId deliveryId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                    TypedResults.Accepted((string?)null, await sender.Send(new Command(caller.OrgId, deliveryId, actor), ct)))
            .WithMetadata(new ProblemsMetadata(ProblemType.WebhookPaused))
            .WithSummary("Send a delivery again.")
            .WithDescription(
                "With the same webhook-id, and what it is about as it is then. Nothing that comes after it in its chat waits for it. One "
                    + "that waits for another attempt gets it at once.");

    public sealed record Command(Guid OrgId, Guid DeliveryId, Actor Actor) : IRequest<Delivery>;

    public sealed class Handler(IdGenerator ids, WebhookStore store, WebhookDispatcher dispatcher, AuditLog audit)
        : IRequestHandler<Command, Delivery>
    {
        public async Task<Delivery> Handle(Command command, CancellationToken ct)
        {
            var webhookId = await store.WebhookOf(command.OrgId, command.DeliveryId, ct) ?? throw NotFound();
            await store.RequireActive(command.OrgId, webhookId, ct);
            var delivery = await store.Replay(command.OrgId, command.DeliveryId, ids.Next().Now, ct) ?? throw NotFound();
            await audit.Write(AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookReplayed, webhookId), ct);
            dispatcher.Changed();
            return delivery;
        }

        private static ProblemException NotFound() => ProblemException.NotFound("No such delivery in this organization.");
    }
}
