using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /users/me: a member reads their own profile.</summary>
internal static class GetProfile
{
    public static void Map(IEndpointRouteBuilder session) =>
        session.MapGet("/users/me", async (Session caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.UserId), ct)))
            .WithSummary("Read your own account.");

    public sealed record Query(Guid UserId) : IRequest<Profile>;

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Profile>
    {
        public async Task<Profile> Handle(Query query, CancellationToken ct)
        {
            var row = await db.ReadSingleOrDefaultAsync<Profile.Row>(
                $"""
                select {Profile.Columns}
                from users u
                left join organizations o on o.id = u.org_id
                where u.id = @UserId
                  and u.removed_at is null
                """,
                query,
                ct);
            return row?.ToProfile() ?? throw ProblemException.Unauthenticated("You are not logged in, or your session has ended.");
        }
    }
}
