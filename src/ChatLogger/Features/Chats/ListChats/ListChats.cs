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
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, caller.OnlyChatsOf, query.Value.Q, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List chats, newest first.")
            .WithDescription(
                """
                A member with the role user sees the chats attributed to them. limit: 1 to 200, default 50. q (at most 256 characters) searches the texts of
                messages, as they are when the request comes: a chat is listed when one of its messages has all the words; "a phrase" stands as it
                is; -word must not be there; of words joined by OR one must be. Words are whole, in upper or lower case; Chinese, Japanese, Korean,
                Thai and the like are found inside words, too. snippet is a part of the first message that matches, null without q. A page of a
                search may have fewer chats than limit, even none, and still a nextCursor.
                """);

    public sealed record Request(string? Q = null, int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, Guid? OnlyChatsOf, string? Q, int? Limit, string? Cursor) : IRequest<Page<Item>>;

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
        string? Preview,
        string? Snippet);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Q).AtMostCharacters(SearchQuery.MostCharacters);
            RuleFor(query => query.Limit).PageLimit();
        }
    }

    public sealed class Handler(NpgsqlDataSource db, ChatSearch search) : IRequestHandler<Query, Page<Item>>
    {
        public async Task<Page<Item>> Handle(Query query, CancellationToken ct)
        {
            var searched = SearchQuery.Parse(query.Q);
            var list = $"chats/{query.OrgId}/{query.OnlyChatsOf}{(searched is null ? "" : $"/{query.Q}")}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var found = searched is null ? null : await search.Page(
                new(query.OrgId, query.OnlyChatsOf is null ? "" : "and c.user_id = @OnlyChatsOf", new { query.OnlyChatsOf }), searched, after, limit, ct);
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
                      {(found is null ? "" : "and id = any(@Found)")}
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
                new { query.OrgId, query.OnlyChatsOf, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1, Found = found?.Chats.Select(chat => chat.Id).ToArray() },
                ct);
            if (found is not null)
            {
                var snippets = found.Chats.ToDictionary(chat => chat.Id, chat => chat.Snippet);
                return new([.. rows.Select(row => row.ToItem(snippets[row.Id]))], found.Next is { } next ? Cursor.Encode(list, next.Time, next.Id) : null);
            }
            return Page.Of(rows, limit, row => row.ToItem(null), row => Cursor.Encode(list, row.CreatedAt, row.Id));
        }
    }

    private sealed record Row(
        Guid Id, string? Title, string[] Tags, JsonObjectText Metadata, Guid? UserId, string? ExternalUserId, DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At, long MessageCount, DateTimeOffset? FirstMessageAt,
        DateTimeOffset? LastMessageAt, string? Preview)
    {
        public Item ToItem(string? snippet) => new(
            Id, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At), MessageCount,
            FirstMessageAt, LastMessageAt, Preview, snippet);
    }
}
