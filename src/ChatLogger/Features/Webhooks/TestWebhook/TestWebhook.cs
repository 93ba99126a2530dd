using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using MediatR;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/webhooks/{webhookId}/test: an admin has a test event sent; the list of deliveries has its outcome.</summary>
internal static class TestWebhook
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost(
                "/webhooks/{webhookId}/test",
                async (PathId webhookId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                    TypedResults.Accepted((string?)null, await sender.Send(new Command(caller.OrgId, webhookId, actor), ct)))
            .WithMetadata(new ProblemsMetadata(ProblemType.WebhookPaused))
            .WithSummary("Send a test event to a webhook.")
            .WithDescription("The event webhook.test, signed and retried like any other. The list of deliveries tells what became of it.");

    public sealed record Command(Guid OrgId, Guid WebhookId, Actor Actor) : IRequest<Delivery>;

    public sealed class Handler(IdGenerator ids, WebhookStore store, WebhookDispatcher dispatcher, AuditLog audit)
        : IRequestHandler<Command, Delivery>
    {
        public async Task<Delivery> Handle(Command command, CancellationToken ct)
        {
            await store.RequireActive(command.OrgId, command.WebhookId, ct);
            var (id, now) = ids.Next();
            var delivery = await store.AddTest(command.OrgId, command.WebhookId, id, now, ct);
            await audit.Write(AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookTested, command.WebhookId), ct);
            dispatcher.Changed();
            return delivery!;
        }
    }
}
