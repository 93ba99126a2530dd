using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/webhooks/{webhookId}/deliveries: an admin pages through what a webhook was told, newest first.</summary>
internal static class ListDeliveries
{
    private static readonly string Known = string.Join(", ", DeliveryStatus.All);

    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet(
                "/webhooks/{webhookId}/deliveries",
                async (PathId webhookId, Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(
                        await sender.Send(
                            new Query(caller.OrgId, webhookId, query.Value.Status, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List the deliveries of a webhook, newest first.")
            .WithDescription(
                $"Those of the last 7 days. status: one of {Known}. A delivery that is asked for again keeps its place and its id. "
                    + "limit: 1 to 200, default 50. While more than 500 wait to be sent, those that come after them are not in the list "
                    + "yet.");

    public sealed record Request(string? Status = null, int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, Guid WebhookId, string? Status, int? Limit, string? Cursor) : IRequest<Page<Delivery>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Status)
                .Must(status => status is null || DeliveryStatus.All.Contains(status))
                .WithMessage($"Must be one of: {Known}.");
            RuleFor(query => query.Limit).PageLimit();
        }
    }

    public sealed class Handler(NpgsqlDataSource db, WebhookStore store) : IRequestHandler<Query, Page<Delivery>>
    {
        public async Task<Page<Delivery>> Handle(Query query, CancellationToken ct)
        {
            var list = $"deliveries/{query.OrgId}/{query.WebhookId}/{query.Status}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            if (!await db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from webhooks where org_id = @OrgId and id = @WebhookId)", query, ct))
                throw ProblemException.NotFound("No such webhook in this organization.");
            var rows = await store.List(query.OrgId, query.WebhookId, query.Status, after, limit + 1, ct);
            return Page.Of(rows, limit, delivery => delivery, delivery => Cursor.Encode(list, delivery.At, delivery.Id));
        }
    }
}
