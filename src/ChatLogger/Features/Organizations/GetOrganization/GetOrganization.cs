using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me: a member reads their organization; GET /orgs/{slug}: a superadmin reads any.</summary>
internal static class GetOrganization
{
    public static void MapOwn(IEndpointRouteBuilder members) =>
        members.MapGet("", async (Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgSlug), ct)))
            .WithName("GetOwnOrganization")
            .WithSummary("Read about your organization.")
            .WithDescription("A superadmin has none (409) and asks by slug.");

    public static void Map(IEndpointRouteBuilder superadmins) =>
        superadmins.MapGet("/orgs/{slug}", async (string slug, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(slug), ct)))
            .WithSummary("Read about an organization.");

    public sealed record Query(string Slug) : IRequest<Organization>;

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Organization>
    {
        public async Task<Organization> Handle(Query query, CancellationToken ct)
        {
            var row = await db.ReadSingleOrDefaultAsync<Organization.Row>(
                $"""
                select {Organization.Columns}
                from organizations
                where slug = @Slug
                  and deleted_at is null
                """,
                query,
                ct);
            return row?.ToOrganization() ?? throw ProblemException.NotFound("No such organization.");
        }
    }
}
