using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /api/v1/orgs/{slug}/chats/{chatId}/messages: a plugin adds one message to a chat of its organization.</summary>
internal static class AppendMessage
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin.MapPost("/chats/{chatId}/messages",
            async (PathId chatId, Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
            {
                var message = await sender.Send(body.Value.To(caller.OrgId, chatId), ct);
                return TypedResults.Created($"/api/v1/orgs/{caller.OrgSlug}/chats/{message.ChatId}/messages/{message.Id}", message);
            })
            .WithSummary("Add a message to a chat.")
            .WithDescription("The answer is sent after the message is durable; it is then in every read. Messages of a chat keep the order in which they were acknowledged.");

    public sealed record Request(
        string Role,
        string Content,
        JsonObjectText? Metadata = null,
        int? LatencyMs = null,
        int? TokenCount = null,
        int? PromptTokens = null,
        int? CompletionTokens = null,
        string? Model = null)
    {
        public Command To(Guid orgId, Guid chatId) => new(
            orgId, chatId, Role, Content, Metadata ?? JsonObjectText.Empty, LatencyMs, TokenCount, PromptTokens, CompletionTokens, Model.NullIfEmpty());
    }

    public sealed record Command(
        Guid OrgId,
        Guid ChatId,
        string Role,
        string Content,
        JsonObjectText Metadata,
        int? LatencyMs,
        int? TokenCount,
        int? PromptTokens,
        int? CompletionTokens,
        string? Model) : IRequest<Message>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(message => message.Role).Must(MessageRole.IsKnown).WithMessage(MessageRole.Sentence);
            RuleFor(message => message.Content).Must(content => !string.IsNullOrWhiteSpace(content)).WithMessage("Must say something.");
            RuleFor(message => message.Content).AtMostBytes(limits.ContentBytes);
            RuleFor(message => message.Metadata).Metadata(limits);
            RuleFor(message => message.LatencyMs).Between(0, limits.LatencyMs);
            RuleFor(message => message.TokenCount).Between(0, limits.Tokens);
            RuleFor(message => message.PromptTokens).Between(0, limits.Tokens);
            RuleFor(message => message.CompletionTokens).Between(0, limits.Tokens);
            RuleFor(message => message.Model).AtMostCharacters(limits.ModelLength);
        }
    }

    public sealed class Handler(NpgsqlDataSource db, Ids ids) : IRequestHandler<Command, Message>
    {
        // Selecting the chat while inserting is the tenant check: no chat of ours, no row, no message. Locking it until the commit is what
        // makes seq a total order: the identity is drawn above the lock, so no smaller one of this chat can be committed later.
        public async Task<Message> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var inserted = await db.ExecuteAsync(
                """
                insert into messages (
                    org_id, chat_id, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens, model, created_at)
                select org_id, id, @Id, @Role, @Content, @Metadata, @LatencyMs, @TokenCount, @PromptTokens, @CompletionTokens, @Model, @Now
                from chats
                where org_id = @OrgId
                  and id = @ChatId
                  and deleted_at is null
                for no key update
                """,
                new
                {
                    command.OrgId,
                    command.ChatId,
                    Id = id,
                    command.Role,
                    command.Content,
                    command.Metadata,
                    command.LatencyMs,
                    command.TokenCount,
                    command.PromptTokens,
                    command.CompletionTokens,
                    command.Model,
                    Now = now,
                },
                ct);
            return inserted == 1
                ? new Message(
                    id, command.ChatId, command.Role, command.Content, command.Metadata, command.LatencyMs, command.TokenCount,
                    command.PromptTokens, command.CompletionTokens, command.Model, now, null)
                : throw Problem.NotFound("No such chat in this organization.");
        }
    }
}
