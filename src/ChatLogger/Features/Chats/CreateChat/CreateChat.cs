using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using FluentValidation;
using MediatR;

namespace ChatLogger.Features;

/// <summary>POST /api/v1/orgs/{slug}/chats and POST /orgs/me/chats: a plugin, or a member, creates a chat in their organization.</summary>
internal static class CreateChat
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin
            .MapPost(
                "/chats",
                async (
                    Body<Request> body,
                    IdempotencyKey? key,
                    PluginCaller caller,
                    HttpContext context,
                    ISender sender,
                    CancellationToken ct) =>
                {
                    var chat = await sender.Send(body.Value.By(caller.OrgId, key?.With(body.Sha256)), ct);
                    return chat.ToCreated($"/api/v1/orgs/{caller.OrgSlug}/chats/{chat.Value.Id}", "chat", context);
                })
            .WithMetadata(RequiresQueueCapacity.ForChats)
            .WithSummary("Open a chat.")
            .WithDescription(
                "userId attributes the chat to a member of the organization; externalUserId is your own name for your end user.");

    public static void MapMember(IEndpointRouteBuilder organization) =>
        organization
            .MapPost(
                "/chats",
                async (Body<Request> body, Member caller, ISender sender, CancellationToken ct) =>
                {
                    // A member who sees only their own chats may create chats only for themselves: they could not see any other.
                    if (caller.OnlyChatsOf is { } self && body.Value.UserId is { } named && named != self)
                        throw ProblemException.Forbidden("A member with the role user opens chats for themselves only.");
                    var chat = await sender.Send(
                        (body.Value with { UserId = caller.OnlyChatsOf ?? body.Value.UserId }).By(caller.OrgId, null),
                        ct);
                    return TypedResults.Created($"/orgs/{caller.OrgInPath}/chats/{chat.Value.Id}", chat.Value);
                })
            .WithName("CreateOwnChat")
            .WithMetadata(RequiresQueueCapacity.ForChats)
            .WithSummary("Open a chat as a member.")
            .WithDescription("With the role user the chat is the caller's, and another userId is 403; an admin names any member, or none.");

    public sealed record Request(
        string? Title = null, string[]? Tags = null, RawJsonObject? Metadata = null, string? ExternalUserId = null, Guid? UserId = null)
    {
        public Command By(Guid orgId, Idempotency? idempotencyKey) =>
            new(
                orgId,
                Title.NullIfEmpty(),
                ChatRules.Trimmed(Tags),
                Metadata ?? RawJsonObject.Empty,
                ExternalUserId.NullIfEmpty(),
                UserId,
                idempotencyKey);
    }

    public sealed record Command(
        Guid OrgId, string? Title, string[] Tags, RawJsonObject Metadata, string? ExternalUserId, Guid? UserId, Idempotency? IdempotencyKey)
        : IRequest<WriteResult<Chat>>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(chat => chat.Title).AtMostCharacters(limits.NameLength);
            RuleFor(chat => chat.Tags).Tags(limits);
            RuleFor(chat => chat.Metadata).Metadata(limits);
            RuleFor(chat => chat.ExternalUserId).AtMostCharacters(limits.ExternalUserIdLength);
        }
    }

    public sealed class Handler(ChatWriter writer, IdGenerator ids) : IRequestHandler<Command, WriteResult<Chat>>
    {
        public Task<WriteResult<Chat>> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var chat = new Chat(id, command.Title, command.Tags, command.Metadata, command.UserId, command.ExternalUserId, now, now, null);
            return writer.Write(new NewChat(command.OrgId, chat, command.IdempotencyKey), ct);
        }
    }
}
