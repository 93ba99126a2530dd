using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>PATCH /orgs/me/webhooks/{webhookId}: an admin changes a webhook, pauses it, or resumes it.</summary>
internal static class ChangeWebhook
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPatch(
                "/webhooks/{webhookId}",
                async (PathId webhookId, Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.By(caller, webhookId, actor), ct)))
            .WithSummary("Change, pause or resume a webhook.")
            .WithDescription(
                "A paused webhook that is resumed goes on where it stopped, with what happened in the last 7 days. The secret stays the "
                    + "same; rotate changes it.");

    public sealed record Request(
        string? Url = null, string[]? Events = null, bool? WithContent = null, int? IdleMinutes = null, string? Description = null,
        string? State = null)
    {
        public Command By(Member caller, Guid webhookId, Actor actor) =>
            new(caller.OrgId, webhookId, Url, Events, WithContent, IdleMinutes, Description, State, actor);
    }

    public sealed record Command(
        Guid OrgId, Guid WebhookId, string? Url, string[]? Events, bool? WithContent, int? IdleMinutes, string? Description, string? State,
        Actor Actor)
        : IRequest<Webhook>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, WebhookSettings settings)
        {
            RuleFor(change => change.Url).Must(url => url is not "").WithMessage("Cannot be removed.").TargetUrl(settings);
            RuleFor(change => change.Events).KnownEvents();
            RuleFor(change => change.IdleMinutes).IdleMinutes();
            RuleFor(change => change.Description).AtMostCharacters(limits.NameLength);
            RuleFor(change => change.State)
                .Must(state => state is null or WebhookState.Active or WebhookState.Paused)
                .WithMessage("Must be active or paused.");
        }
    }

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit, WebhookStore store, WebhookDispatcher dispatcher)
        : IRequestHandler<Command, Webhook>
    {
        public async Task<Webhook> Handle(Command command, CancellationToken ct)
        {
            // While it is paused nobody delivers, so what waits may be changed before it is resumed.
            if (command.State == WebhookState.Active && await IsPaused(command, ct))
                await store.Restart(command.OrgId, command.WebhookId, ct);
            var webhook = await db.InTransactionAsync(
                async transaction =>
                {
                    // A request that changes no value is not a change, so it is not audited.
                    var changed = await transaction.QuerySingleOrDefaultAsync<Webhook>(
                        $"""
                        update webhooks
                        set url = coalesce(@Url, url),
                            events = coalesce(@Events, events),
                            with_content = coalesce(@WithContent, with_content),
                            idle_minutes = coalesce(@IdleMinutes, idle_minutes),
                            description = coalesce(@Description, description),
                            failing_since = case when state = 'paused' and @State = 'active' then null else failing_since end,
                            state = coalesce(@State, state)
                        where org_id = @OrgId
                          and id = @WebhookId
                          and (url <> @Url or events <> @Events or with_content <> @WithContent or idle_minutes <> @IdleMinutes
                            or description <> @Description or state <> @State)
                        returning {Webhook.Columns}
                        """,
                        command);
                    if (changed is not null)
                        await audit.Write(
                            transaction,
                            AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookChanged, command.WebhookId));
                    return changed
                        ?? await transaction.QuerySingleOrDefaultAsync<Webhook>(
                            $"""
                            select {Webhook.Columns}
                            from webhooks
                            where org_id = @OrgId
                              and id = @WebhookId
                            """,
                            command);
                },
                ct);
            dispatcher.Changed();
            return webhook ?? throw ProblemException.NotFound("No such webhook in this organization.");
        }

        private Task<bool> IsPaused(Command command, CancellationToken ct) =>
            db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from webhooks where org_id = @OrgId and id = @WebhookId and state = 'paused')", command, ct);
    }
}
