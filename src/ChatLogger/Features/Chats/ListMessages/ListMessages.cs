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
            + "makes it 256 KiB, and has a nextCursor if there are more. around is the id of a message: the page has it in its middle. "
            + "previousCursor leads to the page before, in the same order; it is null where nothing is before.";

    private const string Ascending = "asc";
    private const string Descending = "desc";

    public sealed record Request(string? Order = null, Guid? Around = null, int? Limit = null, string? Cursor = null)
    {
        public Query Of(Guid orgId, Guid? onlyChatsOf, Guid chatId) =>
            new(orgId, onlyChatsOf, chatId, Order ?? Ascending, Around, Limit, Cursor);
    }

    public sealed record Query(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId, string Order, Guid? Around, int? Limit, string? Cursor)
        : IRequest<Response>;

    /// <summary>A page, from which one can go on in both directions.</summary>
    public sealed record Response(IReadOnlyList<Message> Items, string? NextCursor, string? PreviousCursor);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Order).Must(order => order is Ascending or Descending).WithMessage("Must be asc or desc.");
            RuleFor(query => query.Limit).PageLimit();
            RuleFor(query => query.Around)
                .Must((query, around) => around is null || query.Cursor is null)
                .WithMessage("Cannot stand beside a cursor.");
        }
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Response>
    {
        public async Task<Response> Handle(Query query, CancellationToken ct)
        {
            var list = $"messages/{query.OrgId}/{query.OnlyChatsOf}/{query.ChatId}/{query.Order}";
            var limit = query.Limit ?? Page.DefaultLimit;
            if (query.Around is { } messageId)
                return await Around(query, list, await Find(query, messageId, ct), limit, ct);
            var position = Cursor.DecodeSequence(list, query.Cursor);
            var (rows, more) = await Read(query, Math.Abs(position ?? 0), position < 0, limit, Page.MaxBytes, ct);
            return position < 0 ? Answer(list, rows, more, hasNext: true) : Answer(list, rows, position is not null, more);
        }

        private async Task<Response> Around(Query query, string list, long seq, int limit, CancellationToken ct)
        {
            var (before, isMoreBefore) = await Read(query, seq, backwards: true, limit / 2, Page.MaxBytes / 2, ct);
            // Begins with the message itself.
            var start = query.Order == Ascending ? seq - 1 : seq + 1;
            var (after, isMoreAfter) = await Read(query, start, backwards: false, limit - limit / 2, Page.MaxBytes / 2, ct);
            return Answer(list, [.. before, .. after], isMoreBefore, isMoreAfter);
        }

        private static Response Answer(string list, IReadOnlyList<Row> rows, bool hasPrevious, bool hasNext) => rows.Count == 0
            ? new([], null, null)
            : new(
                [.. rows.Select(row => row.ToMessage())],
                hasNext ? Cursor.Encode(list, rows[^1].Seq!.Value) : null,
                hasPrevious ? Cursor.EncodeBefore(list, rows[0].Seq!.Value) : null);

        private async Task<long> Find(Query query, Guid messageId, CancellationToken ct) =>
            await db.ReadSingleOrDefaultAsync<long?>(
                """
                select m.seq
                from messages m
                join chats c on c.org_id = m.org_id and c.id = m.chat_id
                where m.org_id = @OrgId
                  and m.chat_id = @ChatId
                  and m.id = @MessageId
                  and c.deleted_at is null
                  and (@OnlyChatsOf is null or c.user_id = @OnlyChatsOf)
                """,
                new { query.OrgId, query.ChatId, query.OnlyChatsOf, MessageId = messageId },
                ct) ?? throw ProblemException.NotFound("No such message in this chat.");

        /// <summary>
        /// Reads the messages after a position, or before it, in the order of the list, and whether there are more. Position 0: from the
        /// beginning.
        /// </summary>
        private async Task<(IReadOnlyList<Row> Rows, bool More)> Read(
            Query query, long position, bool backwards, int limit, int maxBytes, CancellationToken ct)
        {
            var (comparison, direction) = query.Order == Ascending ^ backwards ? (">", "asc") : ("<", "desc");
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
                          {(position == 0 ? "" : $"and seq {comparison} @Position")}
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
                new { query.OrgId, query.OnlyChatsOf, query.ChatId, Position = position, Rows = limit + 1, MaxBytes = maxBytes },
                ct);
            if (rows.Count == 0)
                throw ProblemException.NotFound("No such chat in this organization.");
            var page = rows.Where(row => row.Seq is not null).Take(limit).ToList();
            if (backwards)
                page.Reverse();
            return (page, (rows[0].Found ?? 0) > page.Count);
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
