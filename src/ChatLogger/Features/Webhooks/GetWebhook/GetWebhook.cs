using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/webhooks/{webhookId}: an admin reads one webhook of the organization.</summary>
internal static class GetWebhook
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/webhooks/{webhookId}", async (PathId webhookId, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, webhookId), ct)))
            .WithSummary("Read a webhook.");

    public sealed record Query(Guid OrgId, Guid WebhookId) : IRequest<Webhook>;

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Webhook>
    {
        public async Task<Webhook> Handle(Query query, CancellationToken ct) =>
            await db.ReadSingleOrDefaultAsync<Webhook>(
                $"""
                select {Webhook.Columns}
                from webhooks
                where org_id = @OrgId
                  and id = @WebhookId
                """,
                query,
                ct)
            ?? throw ProblemException.NotFound("No such webhook in this organization.");
    }
}
