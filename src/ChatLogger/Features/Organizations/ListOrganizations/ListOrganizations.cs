using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs: a superadmin pages through the organizations, newest first, without those that were deleted.</summary>
internal static class ListOrganizations
{
    private const string List = "organizations";

    public static void Map(IEndpointRouteBuilder superadmins) =>
        superadmins.MapGet("/orgs", async (Query<Request> query, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List organizations, newest first.")
            .WithDescription("Without those that were deleted. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(int? Limit, string? Cursor) : IRequest<Page<Organization>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Organization>>
    {
        public async Task<Page<Organization>> Handle(Query query, CancellationToken ct)
        {
            var after = Cursor.DecodeTimeAndId(List, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Organization.Row>(
                $"""
                select {Organization.Columns}
                from organizations
                where deleted_at is null
                  {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                order by created_at desc, id desc
                limit @Rows
                """,
                new { AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, row => row.ToOrganization(), row => Cursor.Encode(List, row.CreatedAt, row.Id));
        }
    }
}
