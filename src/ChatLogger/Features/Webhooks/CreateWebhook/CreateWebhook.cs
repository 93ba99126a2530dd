using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/webhooks: an admin adds a webhook; only this response contains its secret.</summary>
internal static class CreateWebhook
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost("/webhooks", async (Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                var webhook = await sender.Send(body.Value.By(caller, actor), ct);
                return TypedResults.Created($"/orgs/{caller.OrgInPath}/webhooks/{webhook.Id}", webhook);
            })
            .WithMetadata(new ProblemsMetadata(ProblemType.WebhookQuota))
            .WithSummary("Add a webhook.")
            .WithDescription(
                """
                It is told what is committed from now on, at least once and in the order of each chat, signed by Standard Webhooks. The
                secret is shown once. withContent (default false): whether payloads contain what was said, or ids only. idleMinutes (1 to
                1440, default 30): after so long without a message a chat is idle. The url is https, at port 443 or from 1024 on, and is
                not called at a private address.
                """);

    public sealed record Request(
        string Url, string[] Events, bool? WithContent = null, int? IdleMinutes = null, string? Description = null)
    {
        public Command By(Member caller, Actor actor) => new(
            caller.OrgId, Url, Events, WithContent ?? false, IdleMinutes, Description, WebhookSecrets.Generate(), actor);
    }

    public sealed record Command(
        Guid OrgId, string Url, string[] Events, bool WithContent, int? IdleMinutes, string? Description, byte[] Secret, Actor Actor)
        : IRequest<NewWebhook>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, WebhookSettings settings)
        {
            RuleFor(webhook => webhook.Url).Required().TargetUrl(settings);
            RuleFor(webhook => webhook.Events).Required().KnownEvents();
            RuleFor(webhook => webhook.IdleMinutes).IdleMinutes();
            RuleFor(webhook => webhook.Description).AtMostCharacters(limits.NameLength);
        }
    }

    public sealed class Handler(
        NpgsqlDataSource db, IdGenerator ids, Limits limits, WebhookSecrets secrets, WebhookStore store, WebhookDispatcher dispatcher,
        AuditLog audit)
        : IRequestHandler<Command, NewWebhook>
    {
        public async Task<NewWebhook> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var made = await db.InTransactionAsync(
                async transaction =>
                {
                    // Locked in a statement of its own, so that the next one counts the webhooks of concurrent transactions.
                    await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", command);
                    var made = await transaction.QuerySingleOrDefaultAsync<Webhook>(
                        $"""
                        insert into webhooks (
                            org_id, id, url, events, with_content, idle_minutes, description, state, secret, created_at
                        )
                        select @OrgId, @Id, @Url, @Events, @WithContent, @IdleMinutes, @Description, 'active', @Secret, @Now
                        where (select count(*) from webhooks where org_id = @OrgId) < @Quota
                        returning {Webhook.Columns}
                        """,
                        new
                        {
                            command.OrgId,
                            Id = id,
                            command.Url,
                            command.Events,
                            command.WithContent,
                            IdleMinutes = command.IdleMinutes ?? Webhook.DefaultIdleMinutes,
                            Description = command.Description ?? "",
                            Secret = secrets.Encrypt(command.OrgId, id, command.Secret),
                            Now = now,
                            Quota = limits.Webhooks,
                        });
                    if (made is null)
                        throw ProblemException.WebhookQuota(limits.Webhooks);
                    await audit.Write(transaction, AuditEvent.OfWebhook(command.OrgId, command.Actor, AuditAction.WebhookCreated, id));
                    return made;
                },
                ct);
            // The log may be on another node. If the service ends before this, the instance that delivers first does it.
            await store.Follow(command.OrgId, id, ct);
            dispatcher.Changed();
            return NewWebhook.Of(made, command.Secret);
        }
    }
}
