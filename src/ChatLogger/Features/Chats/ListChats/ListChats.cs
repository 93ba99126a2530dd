using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.SearchIndex;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/chats: a member pages through the chats they may see, newest first.</summary>
internal static class ListChats
{
    /// <summary>The maximum length of the preview of the last message, in characters.</summary>
    private const int PreviewLength = 200;

    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/chats", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(query.Value.By(caller), ct)))
            .WithSummary("List chats, newest first.")
            .WithDescription(
                """
                A member with the role user sees the chats attributed to them. from and to are instants or dates, which stand
                for local midnights of the organization's zone, and filter chats by their creation, to excluded; tag may be
                repeated, all must match; userId is a member's, externalUserId the plugin's own name for an end user; model: a
                message has it; rating: the chat or a message has it, none: neither has any; unanswered: whether the last
                message is the user's. limit: 1 to 200, default 50; a page ends with the chat whose metadata make it 256 KiB,
                and has a nextCursor if there are more. preview is the beginning of the last message, at most 200 characters. q
                (at most 256 characters) searches the texts and tool calls of messages, and the title, tags and externalUserId
                of chats, as they are when the request comes: a chat is listed when one of its messages, or its own texts
                together, have all the words; word* is any word with this beginning; -word must not be there; of words joined by
                OR one must be. Words are whole, in upper or lower case, with or without accents; Chinese, Japanese, Korean,
                Thai and the like are found inside words, too. "a phrase" stands as it is, with its accents. messageId is the
                first message that matches, null without q and where only the chat's own texts match; snippet is a part of what
                matches. A page of a search may have fewer chats than limit, even none, and still a nextCursor.
                """);

    public sealed record Request(
        string? From = null,
        string? To = null,
        string[]? Tag = null,
        Guid? UserId = null,
        string? ExternalUserId = null,
        string? Model = null,
        string? Rating = null,
        string? Unanswered = null,
        string? Q = null,
        int? Limit = null,
        string? Cursor = null)
    {
        public Query By(Member caller) =>
            new(
                caller.OrgId, caller.OnlyChatsOf, From, To, Tag ?? [], UserId, ExternalUserId.NullIfEmpty(), Model.NullIfEmpty(), Rating,
                Unanswered, Q, Limit, Cursor);
    }

    public sealed record Query(
        Guid OrgId, Guid? OnlyChatsOf, string? From, string? To, string[] Tags, Guid? UserId, string? ExternalUserId, string? Model,
        string? Rating, string? Unanswered, string? Q, int? Limit, string? Cursor) : IRequest<Page<Item>>;

    public sealed record Item(
        Guid Id,
        string? ExternalId,
        string? Title,
        string[] Tags,
        RawJsonObject Metadata,
        Guid? UserId,
        string? ExternalUserId,
        DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt,
        Feedback? Feedback,
        long MessageCount,
        DateTimeOffset? FirstMessageAt,
        DateTimeOffset? LastMessageAt,
        string? Preview,
        Guid? MessageId,
        string? Snippet);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator(Limits limits)
        {
            RuleFor(query => query.Tags)
                .Must(tags => tags.Length <= limits.Tags)
                .WithMessage($"May be given at most {limits.Tags} times.")
                .Must(tags => tags.All(tag => tag.Length > 0))
                .WithMessage("Must not be empty.")
                .Must(tags => tags.All(tag => Text.Length(tag) <= limits.TagLength))
                .WithMessage($"May have at most {limits.TagLength} characters.")
                .OverridePropertyName("tag");
            RuleFor(query => query.ExternalUserId).AtMostCharacters(limits.ExternalUserIdLength);
            RuleFor(query => query.Model).AtMostCharacters(limits.ModelLength);
            RuleFor(query => query.Rating).Must(ChatRules.IsRatingFilter).WithMessage(ChatRules.RatingFilterSentence);
            RuleFor(query => query.Unanswered).Must(value => value is null or "true" or "false").WithMessage("Must be true or false.");
            RuleFor(query => query.Q).AtMostCharacters(SearchQuery.MaxCharacters);
            RuleFor(query => query.Limit).PageLimit();
        }
    }

    public sealed class Handler(NpgsqlDataSource db, ChatSearch search) : IRequestHandler<Query, Page<Item>>
    {
        public async Task<Page<Item>> Handle(Query query, CancellationToken ct)
        {
            var searched = SearchQuery.Parse(query.Q);
            var filter = await ChatFilter.Parse(query, db, ct);
            // JSON quotes the values, which may contain any text, so that different filters always have different names.
            var list = JsonSerializer.Serialize(
                new[] { "chats", $"{query.OrgId}", $"{query.OnlyChatsOf}", searched is null ? "" : query.Q! }.Concat(filter.Tokens),
                Json.Options);
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var found = searched is null
                ? null
                : await search.Page(new(query.OrgId, filter.Clauses, filter.Parameters), searched, after, limit, ct);
            // The inner query limits the page before the messages are counted, so the cost depends on the size of the page, not on that of
            // the organization; and only the messages beyond the sums of a chat are counted, without those that were deleted since.
            var rows = await db.ReadAsync<Row>(
                $"""
                select c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at,
                       f.rating, f.comment, f.at, m.message_count, first.created_at as first_message_at,
                       last.created_at as last_message_at, last.preview, c.found
                from (
                    select c.org_id, c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at,
                           c.updated_at, count(*) over () as found,
                           coalesce(
                               sum(octet_length(c.metadata::text)) over (
                                   order by c.created_at desc, c.id desc rows between unbounded preceding and 1 preceding),
                               0) as bytes_before
                    from (
                        select c.org_id, c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at,
                               c.updated_at
                        from chats c
                        where c.org_id = @OrgId
                          and c.deleted_at is null
                          {filter.Clauses}
                          {(after is null ? "" : "and (c.created_at, c.id) < (@AfterTime, @AfterId)")}
                          {(found is null ? "" : "and c.id = any(@Found)")}
                        order by c.created_at desc, c.id desc
                        limit @Rows
                    ) c
                ) c
                left join feedback f on f.org_id = @OrgId and f.target_id = c.id
                left join chat_sums s on s.org_id = @OrgId and s.chat_id = c.id
                left join followers counted on counted.org_id = @OrgId and counted.follower = 'rollups'
                left join (
                    select e.chat_id, count(*) as messages
                    from organization_events e
                    join followers counted on counted.org_id = @OrgId and counted.follower = 'rollups'
                    where e.org_id = @OrgId
                      and e.seq > counted.seq
                      and e.message_seq <= counted.seq
                    group by e.chat_id
                ) deleted on deleted.chat_id = s.chat_id
                cross join lateral (
                    select coalesce(s.messages, 0) - coalesce(deleted.messages, 0) + count(*) as message_count
                    from messages
                    where org_id = @OrgId
                      and chat_id = c.id
                      and seq > case when s.chat_id is null then -1 else counted.seq end
                ) m
                left join lateral (
                    select created_at
                    from messages
                    where org_id = @OrgId
                      and chat_id = c.id
                    order by seq
                    limit 1
                ) first on true
                left join lateral (
                    select m.created_at, left({MessageText.Sql}, @PreviewLength + 1) as preview
                    from messages m
                    where m.org_id = @OrgId
                      and m.chat_id = c.id
                    order by m.seq desc
                    limit 1
                ) last on true
                where c.bytes_before < @MaxBytes
                order by c.created_at desc, c.id desc
                """,
                filter.With(new
                {
                    query.OrgId,
                    AfterTime = after?.Time,
                    AfterId = after?.Id,
                    Rows = limit + 1,
                    Found = found?.Chats.Select(chat => chat.Id).ToArray(),
                    PreviewLength,
                    Page.MaxBytes,
                }),
                ct);
            if (found is not null)
            {
                var matches = found.Chats.ToDictionary(chat => chat.Id, chat => chat.Match);
                // If the byte limit cut the page short, the next page continues after the last chat of this one.
                var next = rows.Count > 0 && rows[0].Found > rows.Count ? (rows[^1].CreatedAt, rows[^1].Id) : found.Next;
                return new(
                    [.. rows.Select(row => row.ToItem(matches[row.Id]))],
                    next is { } place ? Cursor.Encode(list, place.Time, place.Id) : null);
            }
            return Page.Of(
                rows,
                rows.Count > 0 ? rows[0].Found : 0,
                limit,
                row => row.ToItem(null),
                row => Cursor.Encode(list, row.CreatedAt, row.Id));
        }
    }

    private sealed record Row(
        Guid Id, string? ExternalId, string? Title, string[] Tags, RawJsonObject Metadata, Guid? UserId, string? ExternalUserId,
        DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At, long MessageCount,
        DateTimeOffset? FirstMessageAt, DateTimeOffset? LastMessageAt, string? Preview, long Found)
    {
        public Item ToItem(Match? match) => new(
            Id, ExternalId, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At),
            MessageCount, FirstMessageAt, LastMessageAt, Preview.Beginning(PreviewLength), match?.MessageId, match?.Snippet);
    }
}
