using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/webhooks: an admin pages through the organization's webhooks, newest first.</summary>
internal static class ListWebhooks
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/webhooks", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List webhooks, newest first.")
            .WithDescription("Without their secrets: those are shown once. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, int? Limit, string? Cursor) : IRequest<Page<Webhook>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Webhook>>
    {
        public async Task<Page<Webhook>> Handle(Query query, CancellationToken ct)
        {
            var list = $"webhooks/{query.OrgId}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Webhook>(
                $"""
                select {Webhook.Columns}
                from webhooks
                where org_id = @OrgId
                  {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                order by created_at desc, id desc
                limit @Rows
                """,
                new { query.OrgId, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, webhook => webhook, webhook => Cursor.Encode(list, webhook.CreatedAt, webhook.Id));
        }
    }
}
