using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/erasures/{erasureId}: an admin reads how far an erasure is, and its receipt.</summary>
internal static class GetErasure
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/erasures/{erasureId}", async (PathId erasureId, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, erasureId), ct)))
            .WithSummary("Read an erasure.")
            .WithDescription("While it is running, the counts are what has been removed so far. When it is done, it has a receipt.");

    public sealed record Query(Guid OrgId, Guid ErasureId) : IRequest<Erasure>;

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Erasure>
    {
        public async Task<Erasure> Handle(Query query, CancellationToken ct) =>
            await db.ReadSingleOrDefaultAsync<Erasure>(
                $"""
                select {Erasure.Columns}
                from erasures
                where org_id = @OrgId
                  and id = @ErasureId
                """,
                query,
                ct)
            ?? throw ProblemException.NotFound("No such erasure in this organization.");
    }
}
