using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Redaction;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// POST /api/v1/orgs/{slug}/chats/{chatId}/messages and POST /orgs/me/chats/{chatId}/messages: a plugin, or a member, adds one message to a
/// chat of their organization.
/// </summary>
internal static class AppendMessage
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin
            .MapPost(
                "/chats/{chatId}/messages",
                async (
                    PathId chatId,
                    Body<Request> body,
                    IdempotencyKey? key,
                    PluginCaller caller,
                    HttpContext context,
                    ISender sender,
                    TimeProvider time,
                    CancellationToken ct) =>
                {
                    if (CreationTime.Refuse(body.Value.CreatedAt, caller, time.GetUtcNow()) is { } refusal)
                        throw refusal;
                    var message = await sender.Send(body.Value.To(caller, chatId, key?.With(body.Hash)), ct);
                    return message.ToCreated(
                        $"/api/v1/orgs/{caller.OrgSlug}/chats/{message.Value.ChatId}/messages/{message.Value.Id}",
                        "message",
                        context);
                })
            .WithMetadata(RequiresQueueCapacity.ForMessages)
            .WithSummary("Add a message to a chat.")
            .WithDescription(
                "The answer is sent after the message is durable; it is then in every read. Messages of a chat keep the order in which "
                    + "they were acknowledged. createdAt may be up to 72 hours back, farther with the scope import."
            );

    public static void MapMember(IEndpointRouteBuilder organization) =>
        organization
            .MapPost(
                "/chats/{chatId}/messages",
                async (
                    PathId chatId,
                    Body<MemberRequest> body,
                    Member caller,
                    OrganizationPolicies policies,
                    ISender sender,
                    CancellationToken ct) =>
                {
                    var message = await sender.Send(
                        body.Value.To(caller.OrgId, chatId, null) with
                        {
                            OnlyChatsOf = caller.OnlyChatsOf,
                            Policy = await policies.Of(caller.OrgId, ct),
                        },
                        ct);
                    return TypedResults.Created(
                        $"/orgs/{caller.OrgInPath}/chats/{message.Value.ChatId}/messages/{message.Value.Id}",
                        message.Value);
                })
            .WithMetadata(RequiresQueueCapacity.ForMessages)
            .WithName("AppendOwnMessage")
            .WithSummary("Add a message to a chat as a member.")
            .WithDescription("A member with the role user writes in chats attributed to them.");

    public sealed record Request(
        string Role,
        string? Content = null,
        RawJsonArray? Parts = null,
        RawJsonArray? ToolCalls = null,
        string? ToolCallId = null,
        string? Name = null,
        RawJsonObject? Metadata = null,
        int? LatencyMs = null,
        int? TokenCount = null,
        int? PromptTokens = null,
        int? CompletionTokens = null,
        string? Model = null,
        DateTimeOffset? CreatedAt = null)
    {
        public Command To(PluginCaller caller, Guid chatId, Idempotency? idempotencyKey) =>
            new MemberRequest(
                Role, Content, Parts, ToolCalls, ToolCallId, Name, Metadata, LatencyMs, TokenCount, PromptTokens, CompletionTokens, Model)
                .To(caller.OrgId, chatId, idempotencyKey) with
            {
                CreatedAt = CreatedAt,
                MayImport = caller.May(KeyScope.Import),
                Policy = caller.Policy,
            };
    }

    public sealed record MemberRequest(
        string Role,
        string? Content = null,
        RawJsonArray? Parts = null,
        RawJsonArray? ToolCalls = null,
        string? ToolCallId = null,
        string? Name = null,
        RawJsonObject? Metadata = null,
        int? LatencyMs = null,
        int? TokenCount = null,
        int? PromptTokens = null,
        int? CompletionTokens = null,
        string? Model = null)
    {
        public Command To(Guid orgId, Guid chatId, Idempotency? idempotencyKey) => new(
            orgId, chatId, Role, Content.NullIfEmpty(), NullIfEmpty(Parts), NullIfEmpty(ToolCalls), ToolCallId.NullIfEmpty(),
            Name.NullIfEmpty(), Metadata ?? RawJsonObject.Empty, LatencyMs, TokenCount, PromptTokens, CompletionTokens,
            Model.NullIfEmpty(), idempotencyKey);

        private static RawJsonArray? NullIfEmpty(RawJsonArray? array) => array is { IsEmpty: true } ? null : array;
    }

    public sealed record Command(
        Guid OrgId,
        Guid ChatId,
        string Role,
        string? Content,
        RawJsonArray? Parts,
        RawJsonArray? ToolCalls,
        string? ToolCallId,
        string? Name,
        RawJsonObject Metadata,
        int? LatencyMs,
        int? TokenCount,
        int? PromptTokens,
        int? CompletionTokens,
        string? Model,
        Idempotency? IdempotencyKey) : IRequest<WriteResult<Message>>
    {
        /// <summary>If set, only chats of this member may be written to; null: all chats of the organization.</summary>
        public Guid? OnlyChatsOf { get; init; }

        /// <summary>Null: now.</summary>
        public DateTimeOffset? CreatedAt { get; init; }

        public bool MayImport { get; init; }

        public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;

        /// <summary>The message as it is stored: with what the organization does not want to be stored replaced.</summary>
        public Message ToMessage(Guid id, DateTimeOffset createdAt)
        {
            var message = new Message(
                id, ChatId, Role, Content, Parts, ToolCalls, ToolCallId, Name, Metadata, LatencyMs, TokenCount, PromptTokens,
                CompletionTokens, Model, createdAt, null);
            return Policy.Redactor is not { } redactor
                ? message
                : message with
                {
                    Content = Content is null ? null : redactor.Redact(Content),
                    Parts = redactor.Redact(Parts, JsonRedaction.Scope.Parts),
                    ToolCalls = redactor.Redact(ToolCalls, JsonRedaction.Scope.ToolCalls),
                    Metadata = Policy.RedactMetadata(Metadata)!,
                };
        }
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, TimeProvider time)
        {
            RuleFor(message => message.Role).Must(MessageRole.IsKnown).WithMessage(MessageRole.Sentence);
            RuleFor(message => message).Custom(new ContentRules(limits).Check);
            RuleFor(message => message.Metadata).Metadata(limits);
            RuleFor(message => message.LatencyMs).Between(0, limits.LatencyMs);
            RuleFor(message => message.TokenCount).Between(0, limits.Tokens);
            RuleFor(message => message.PromptTokens).Between(0, limits.Tokens);
            RuleFor(message => message.CompletionTokens).Between(0, limits.Tokens);
            RuleFor(message => message.Model).AtMostCharacters(limits.ModelLength);
            this.CreationTimeOf(message => (message.CreatedAt, message.MayImport), time);
        }
    }

    public sealed class Handler(MessageWriter writer, NpgsqlDataSource db, IdGenerator ids) : IRequestHandler<Command, WriteResult<Message>>
    {
        public async Task<WriteResult<Message>> Handle(Command command, CancellationToken ct)
        {
            if (command.OnlyChatsOf is not null && !await IsTheirs(command, ct))
                throw ProblemException.NotFound("No such chat in this organization.");
            var (id, now) = ids.Next();
            var message = command.ToMessage(id, command.CreatedAt.Or(now));
            return await writer.Write(new NewMessage(command.OrgId, message, command.IdempotencyKey), ct);
        }

        // Checking this before the write is safe: the member of a chat never changes, and the writer checks again that the chat is not
        // deleted.
        private Task<bool> IsTheirs(Command command, CancellationToken ct) =>
            db.ReadSingleOrDefaultAsync<bool>(
                """
                select exists (
                    select
                    from chats
                    where org_id = @OrgId
                      and id = @ChatId
                      and user_id = @OnlyChatsOf
                      and deleted_at is null
                )
                """,
                new { command.OrgId, command.ChatId, command.OnlyChatsOf },
                ct);
    }
}
