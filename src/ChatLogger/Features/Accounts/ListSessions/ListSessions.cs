using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /users/me/sessions: a member pages through their own live sessions, newest first.</summary>
internal static class ListSessions
{
    public static void Map(IEndpointRouteBuilder session) =>
        session.MapGet("/users/me/sessions", async (Query<Request> query, Session caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.UserId, caller.Id, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List your own sessions, newest first.")
            .WithDescription("Those in which you are logged in now, this one included. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid UserId, Guid SessionId, int? Limit, string? Cursor) : IRequest<Page<Item>>;

    public sealed record Item(
        Guid Id, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset ExpiresAt, string? Address, string? UserAgent,
        bool Current);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db, TimeProvider time) : IRequestHandler<Query, Page<Item>>
    {
        public async Task<Page<Item>> Handle(Query query, CancellationToken ct)
        {
            var list = $"sessions/{query.UserId}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Item>(
                $"""
                select id, created_at, last_used_at, expires_at, address, user_agent, id = @SessionId as current
                from sessions
                where user_id = @UserId
                  and expires_at > @Now
                  {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                order by created_at desc, id desc
                limit @Rows
                """,
                new
                {
                    query.UserId,
                    query.SessionId,
                    Now = time.GetUtcNow(),
                    AfterTime = after?.Time,
                    AfterId = after?.Id,
                    Rows = limit + 1,
                },
                ct);
            return Page.Of(rows, limit, item => item, item => Cursor.Encode(list, item.CreatedAt, item.Id));
        }
    }
}
