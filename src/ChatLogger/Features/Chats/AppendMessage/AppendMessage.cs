using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;

namespace ChatLogger.Features;

/// <summary>POST /api/v1/orgs/{slug}/chats/{chatId}/messages: a plugin adds one message to a chat of its organization.</summary>
internal static class AppendMessage
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin.MapPost("/chats/{chatId}/messages",
            async (PathId chatId, Body<Request> body, IdempotencyKey? key, PluginCaller caller, HttpContext context, ISender sender, CancellationToken ct) =>
            {
                var message = await sender.Send(body.Value.To(caller.OrgId, chatId, key?.With(body.Sha256)), ct);
                return message.At($"/api/v1/orgs/{caller.OrgSlug}/chats/{message.Value.ChatId}/messages/{message.Value.Id}", context);
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
        public Command To(Guid orgId, Guid chatId, Idempotency? once) => new(
            orgId, chatId, Role, Content, Metadata ?? JsonObjectText.Empty, LatencyMs, TokenCount, PromptTokens, CompletionTokens,
            Model.NullIfEmpty(), once);
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
        string? Model,
        Idempotency? Once) : IRequest<Written<Message>>;

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

    public sealed class Handler(MessageWriter writer, Ids ids) : IRequestHandler<Command, Written<Message>>
    {
        public Task<Written<Message>> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            return writer.Append(
                new NewMessage(
                    command.OrgId,
                    new Message(
                        id, command.ChatId, command.Role, command.Content, command.Metadata, command.LatencyMs, command.TokenCount,
                        command.PromptTokens, command.CompletionTokens, command.Model, now, null),
                    command.Once),
                ct);
        }
    }
}
