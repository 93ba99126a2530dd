using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/chats: a member pages through the chats they may see, newest first.</summary>
internal static class ListChats
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/chats", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, caller.OnlyChatsOf, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List chats, newest first.")
            .WithDescription("A member with the role user sees the chats attributed to them. limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, Guid? OnlyChatsOf, int? Limit, string? Cursor) : IRequest<Page<Item>>;

    public sealed record Item(
        Guid Id,
        string? Title,
        string[] Tags,
        JsonObjectText Metadata,
        Guid? UserId,
        string? ExternalUserId,
        DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt,
        Feedback? Feedback,
        long MessageCount,
        DateTimeOffset? FirstMessageAt,
        DateTimeOffset? LastMessageAt,
        string? Preview);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Item>>
    {
        public async Task<Page<Item>> Handle(Query query, CancellationToken ct)
        {
            var list = $"chats/{query.OrgId}/{query.OnlyChatsOf}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            // The page is cut first and counted after: what a list costs depends on the page, not on the organization.
            var rows = await db.QueryAsync<Row>(
                $"""
                select c.id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at,
                       f.rating, f.comment, f.at, m.message_count, m.first_message_at, m.last_message_at, p.preview
                from (
                    select org_id, id, title, tags, metadata, user_id, external_user_id, created_at, updated_at
                    from chats
                    where org_id = @OrgId
                      and deleted_at is null
                      {(query.OnlyChatsOf is null ? "" : "and user_id = @OnlyChatsOf")}
                      {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                    order by created_at desc, id desc
                    limit @Rows
                ) c
                left join feedback f on f.org_id = c.org_id and f.target_id = c.id
                cross join lateral (
                    select count(*) as message_count, min(created_at) as first_message_at, max(created_at) as last_message_at
                    from messages
                    where org_id = c.org_id
                      and chat_id = c.id
                ) m
                left join lateral (
                    select left(content, 200) as preview
                    from messages
                    where org_id = c.org_id
                      and chat_id = c.id
                    order by seq desc
                    limit 1
                ) p on true
                order by c.created_at desc, c.id desc
                """,
                new { query.OrgId, query.OnlyChatsOf, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, row => row.ToItem(), row => Cursor.Encode(list, row.CreatedAt, row.Id));
        }
    }

    private sealed record Row(
        Guid Id, string? Title, string[] Tags, JsonObjectText Metadata, Guid? UserId, string? ExternalUserId, DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At, long MessageCount, DateTimeOffset? FirstMessageAt,
        DateTimeOffset? LastMessageAt, string? Preview)
    {
        public Item ToItem() => new(
            Id, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At), MessageCount,
            FirstMessageAt, LastMessageAt, Preview);
    }
}
