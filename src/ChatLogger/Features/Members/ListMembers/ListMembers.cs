using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/users: an admin pages through the organization's members, newest first, disabled ones too.</summary>
internal static class ListMembers
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/users", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List members, newest first.")
            .WithDescription("With disabled members, without removed ones. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, int? Limit, string? Cursor) : IRequest<Page<Profile>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Profile>>
    {
        public async Task<Page<Profile>> Handle(Query query, CancellationToken ct)
        {
            var list = $"users/{query.OrgId}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Profile.Row>(
                $"""
                select {Profile.Columns}
                from users u
                join organizations o on o.id = u.org_id
                where u.org_id = @OrgId
                  and u.removed_at is null
                  {(after is null ? "" : "and (u.created_at, u.id) < (@AfterTime, @AfterId)")}
                order by u.created_at desc, u.id desc
                limit @Rows
                """,
                new { query.OrgId, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, row => row.ToProfile(), row => Cursor.Encode(list, row.CreatedAt, row.Id));
        }
    }
}
