using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// POST /orgs/me/webhooks/{webhookId}/rotate: an admin gives a webhook a new secret. For the overlap deliveries are signed with the old
/// one, too, so that the receiver can change without missing any.
/// </summary>
internal static class RotateWebhook
{
    private const int DefaultOverlapHours = 24;
    private const int LongestOverlapHours = 168;

    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost(
                "/webhooks/{webhookId}/rotate",
                async (PathId webhookId, Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                {
                    var webhook = await sender.Send(
                        new Command(caller.OrgId, webhookId, body.Value.OverlapHours, WebhookSecrets.Generate(), actor), ct);
                    return TypedResults.Created($"/orgs/{caller.OrgInPath}/webhooks/{webhook.Id}", webhook);
                })
            .WithSummary("Give a webhook a new secret.")
            .WithDescription(
                "The new secret is shown once. For overlapHours (0 to 168, default 24; 0: not at all) deliveries have a signature with the "
                    + "old one, too. {} is a body. With another rotation in this time only the last two secrets sign.");

    public sealed record Request(int? OverlapHours = null);

    public sealed record Command(Guid OrgId, Guid WebhookId, int? OverlapHours, byte[] Secret, Actor Actor) : IRequest<NewWebhook>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(rotation => rotation.OverlapHours).Between(0, LongestOverlapHours);
    }

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, WebhookSecrets secrets, AuditLog audit)
        : IRequestHandler<Command, NewWebhook>
    {
        public async Task<NewWebhook> Handle(Command command, CancellationToken ct)
        {
            var hours = command.OverlapHours ?? DefaultOverlapHours;
            return await db.InTransactionAsync(
                async transaction =>
                {
                    var rotated = await transaction.QuerySingleOrDefaultAsync<Webhook>(
                        $"""
                        update webhooks
                        set previous_secret = case when @Hours > 0 then secret end,
                            previous_until = case when @Hours > 0 then @Until end,
                            secret = @Secret
                        where org_id = @OrgId
                          and id = @WebhookId
                        returning {Webhook.Columns}
                        """,
                        new
                        {
                            command.OrgId,
                            command.WebhookId,
                            Hours = hours,
                            Until = ids.Next().Now.AddHours(hours),
                            Secret = secrets.Encrypt(command.OrgId, command.WebhookId, command.Secret),
                        })
                        ?? throw ProblemException.NotFound("No such webhook in this organization.");
                    await audit.Write(
                        transaction,
                        AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookRotated, command.WebhookId));
                    return NewWebhook.Of(rotated, command.Secret);
                },
                ct);
        }
    }
}
