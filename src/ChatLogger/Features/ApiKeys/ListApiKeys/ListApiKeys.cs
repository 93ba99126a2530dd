using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/apikeys: an admin pages through the organization's keys, newest first, revoked ones too.</summary>
internal static class ListApiKeys
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/apikeys", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List API keys, newest first.")
            .WithDescription("Without the keys themselves: those are shown once, when they are made. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, int? Limit, string? Cursor) : IRequest<Page<ApiKeyDescription>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<ApiKeyDescription>>
    {
        public async Task<Page<ApiKeyDescription>> Handle(Query query, CancellationToken ct)
        {
            var list = $"apikeys/{query.OrgId}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<ApiKeyDescription>(
                $"""
                select id, public_id, label, scopes, last_four, allowed_origins, created_at, expires_at, revoked_at, last_used_at
                from api_keys
                where org_id = @OrgId
                  {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                order by created_at desc, id desc
                limit @Rows
                """,
                new { query.OrgId, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, key => key, key => Cursor.Encode(list, key.CreatedAt, key.Id));
        }
    }
}
