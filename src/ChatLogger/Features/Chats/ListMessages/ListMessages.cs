using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// GET /orgs/me/chats/{chatId}/messages and GET /api/v1/orgs/{slug}/chats/{chatId}/messages: a member, or a plugin, pages through the
/// messages of a chat, in the order in which they were written.
/// </summary>
internal static class ListMessages
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization
            .MapGet(
                "/chats/{chatId}/messages",
                async (PathId chatId, Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(query.Value.Of(caller.OrgId, caller.OnlyChatsOf, chatId), ct)))
            .WithSummary("Read the messages of a chat.")
            .WithDescription(Description);

    public static void MapPlugin(IEndpointRouteBuilder plugin) =>
        plugin
            .MapGet(
                "/chats/{chatId}/messages",
                async (PathId chatId, Query<Request> query, PluginCaller caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(query.Value.Of(caller.OrgId, null, chatId), ct)))
            .WithName("ListMessagesAsPlugin")
            .WithSummary("Read the messages of a chat as a plugin.")
            .WithDescription(Description);

    private const string Description =
        "In the order of arrival; order=desc reverses it. limit: 1 to 200, default 50. A page of large messages ends with the one that "
            + "makes it 256 KiB, and has a nextCursor if there are more.";

    private const string Ascending = "asc";
    private const string Descending = "desc";

    public sealed record Request(string? Order = null, int? Limit = null, string? Cursor = null)
    {
        public Query Of(Guid orgId, Guid? onlyChatsOf, Guid chatId) => new(orgId, onlyChatsOf, chatId, Order ?? Ascending, Limit, Cursor);
    }

    public sealed record Query(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId, string Order, int? Limit, string? Cursor)
        : IRequest<Page<Message>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Order).Must(order => order is Ascending or Descending).WithMessage("Must be asc or desc.");
            RuleFor(query => query.Limit).PageLimit();
        }
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Message>>
    {
        public async Task<Page<Message>> Handle(Query query, CancellationToken ct)
        {
            var list = $"messages/{query.OrgId}/{query.OnlyChatsOf}/{query.ChatId}/{query.Order}";
            var after = Cursor.DecodeSequence(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var (comparison, direction) = query.Order == Ascending ? (">", "asc") : ("<", "desc");
            // The statement left-joins the messages to the chat, so that one statement distinguishes a chat without messages from a missing
            // chat.
            var rows = await db.ReadAsync<Row>(
                $"""
                select m.seq, m.id, c.id as chat_id, m.role, m.content, m.parts, m.tool_calls, m.tool_call_id, m.name, m.metadata,
                       m.latency_ms, m.token_count, m.prompt_tokens, m.completion_tokens, m.model, m.created_at, f.rating, f.comment, f.at,
                       m.found
                from chats c
                left join lateral (
                    select org_id, seq, id, role, content, parts, tool_calls, tool_call_id, name, metadata, latency_ms, token_count,
                           prompt_tokens, completion_tokens, model, created_at, count(*) over () as found,
                           coalesce(
                               sum(bytes) over (order by seq {direction} rows between unbounded preceding and 1 preceding),
                               0) as bytes_before
                    from (
                        select org_id, seq, id, role, content, parts, tool_calls, tool_call_id, name, metadata, latency_ms, token_count,
                               prompt_tokens, completion_tokens, model, created_at,
                               octet_length(content) + octet_length(metadata::text) + coalesce(octet_length(parts::text), 0)
                                   + coalesce(octet_length(tool_calls::text), 0) as bytes
                        from messages
                        where org_id = c.org_id
                          and chat_id = c.id
                          {(after is null ? "" : $"and seq {comparison} @After")}
                        order by seq {direction}
                        limit @Rows
                    ) message
                ) m on m.bytes_before < @MaxBytes
                left join feedback f on f.org_id = m.org_id and f.target_id = m.id
                where c.org_id = @OrgId
                  and c.id = @ChatId
                  and c.deleted_at is null
                  and (@OnlyChatsOf is null or c.user_id = @OnlyChatsOf)
                order by m.seq {direction}
                """,
                new { query.OrgId, query.OnlyChatsOf, query.ChatId, After = after, Rows = limit + 1, Page.MaxBytes },
                ct);
            if (rows.Count == 0)
                throw ProblemException.NotFound("No such chat in this organization.");
            return Page.Of(
                [.. rows.Where(row => row.Seq is not null)],
                rows[0].Found ?? 0,
                limit,
                row => row.ToMessage(),
                row => Cursor.Encode(list, row.Seq!.Value));
        }
    }

    private sealed record Row(
        long? Seq,
        Guid? Id,
        Guid ChatId,
        string? Role,
        string? Content,
        RawJsonArray? Parts,
        RawJsonArray? ToolCalls,
        string? ToolCallId,
        string? Name,
        RawJsonObject? Metadata,
        int? LatencyMs,
        int? TokenCount,
        int? PromptTokens,
        int? CompletionTokens,
        string? Model,
        DateTimeOffset? CreatedAt,
        string? Rating,
        string? Comment,
        DateTimeOffset? At,
        long? Found)
    {
        public Message ToMessage() => new(
            Id!.Value, ChatId, Role!, Content.NullIfEmpty(), Parts, ToolCalls, ToolCallId, Name, Metadata!, LatencyMs, TokenCount,
            PromptTokens, CompletionTokens, Model, CreatedAt!.Value, Feedback.From(Rating, Comment, At));
    }
}
