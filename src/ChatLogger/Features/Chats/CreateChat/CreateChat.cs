using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Http.HttpResults;

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
                    TimeProvider time,
                    CancellationToken ct) =>
                {
                    if (CreationTime.Refuse(body.Value.CreatedAt, caller, time.GetUtcNow()) is { } refusal)
                        throw refusal;
                    var chat = await sender.Send(body.Value.By(caller, key?.With(body.Hash)), ct);
                    return Answer(chat, caller, context);
                })
            .WithMetadata(RequiresQueueCapacity.ForChats)
            .WithSummary("Open a chat.")
            .WithDescription(
                "userId attributes the chat to a member of the organization; externalUserId is your own name for your end user. "
                    + "externalId is your own name for the chat: where a chat has it, the answer is that chat, unchanged, with 200, and of "
                    + "two requests at once one makes it. Without the scope read you learn of an existing chat its id, externalId and "
                    + "createdAt only; with a key that is bound to origins, an externalId has at least 22 characters. createdAt may be up "
                    + "to 72 hours back, farther with the scope import.");

    private static Results<CreatedJson<Chat>, Ok<ExistingChat>> Answer(WriteResult<Chat> chat, PluginCaller caller, HttpContext context)
    {
        var created = chat.ToCreated($"/api/v1/orgs/{caller.OrgSlug}/chats/{chat.Value.Id}", "chat", context);
        return chat.Existed ? TypedResults.Ok(ExistingChat.Of(chat.Value, caller.May(KeyScope.Read))) : created;
    }

    public static void MapMember(IEndpointRouteBuilder organization) =>
        organization
            .MapPost(
                "/chats",
                async (Body<MemberRequest> body, Member caller, OrganizationPolicies policies, ISender sender, CancellationToken ct) =>
                {
                    // A member who sees only their own chats may create chats only for themselves: they could not see any other.
                    if (caller.OnlyChatsOf is { } self && body.Value.UserId is { } named && named != self)
                        throw ProblemException.Forbidden("A member with the role user opens chats for themselves only.");
                    var chat = await sender.Send(
                        (body.Value with { UserId = caller.OnlyChatsOf ?? body.Value.UserId }).By(caller.OrgId, null) with
                        {
                            Policy = await policies.Of(caller.OrgId, ct),
                        },
                        ct);
                    return TypedResults.Created($"/orgs/{caller.OrgInPath}/chats/{chat.Value.Id}", chat.Value);
                })
            .WithName("CreateOwnChat")
            .WithMetadata(RequiresQueueCapacity.ForChats)
            .WithSummary("Open a chat as a member.")
            .WithDescription("With the role user the chat is the caller's, and another userId is 403; an admin names any member, or none.");

    public sealed record Request(
        string? ExternalId = null,
        string? Title = null,
        string[]? Tags = null,
        RawJsonObject? Metadata = null,
        string? ExternalUserId = null,
        Guid? UserId = null,
        DateTimeOffset? CreatedAt = null)
    {
        public Command By(PluginCaller caller, Idempotency? idempotencyKey) =>
            new MemberRequest(Title, Tags, Metadata, ExternalUserId, UserId).By(caller.OrgId, idempotencyKey) with
            {
                ExternalId = ExternalId.NullIfEmpty(),
                CreatedAt = CreatedAt,
                MayImport = caller.May(KeyScope.Import),
                IsPublicKey = caller.IsPublic,
                Policy = caller.Policy,
            };
    }

    public sealed record MemberRequest(
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
        : IRequest<WriteResult<Chat>>
    {
        public string? ExternalId { get; init; }

        /// <summary>Null: now.</summary>
        public DateTimeOffset? CreatedAt { get; init; }

        public bool MayImport { get; init; }

        /// <summary>Whether anybody has the key, so that an external id must not be easy to guess.</summary>
        public bool IsPublicKey { get; init; }

        public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;

        /// <summary>The chat as it is stored: with what the organization does not want to be stored replaced.</summary>
        public NewChat ToChat(Guid id, DateTimeOffset createdAt) => new(
            OrgId,
            new Chat(
                id, ExternalId, Policy.RedactTitle(Title), Tags, Policy.RedactMetadata(Metadata)!, UserId, ExternalUserId, createdAt,
                createdAt, null),
            IdempotencyKey);
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        private const int MinSecretLength = 22;

        public Validator(Limits limits, TimeProvider time)
        {
            RuleFor(chat => chat.ExternalId).AtMostCharacters(limits.ExternalIdLength);
            RuleFor(chat => chat.ExternalId)
                .Must((chat, id) => !chat.IsPublicKey || id is null || Data.Text.Length(id) >= MinSecretLength)
                .WithMessage($"Must have at least {MinSecretLength} characters with a key that is bound to origins: nobody may guess it.");
            RuleFor(chat => chat.Title).AtMostCharacters(limits.NameLength);
            RuleFor(chat => chat.Tags).Tags(limits);
            RuleFor(chat => chat.Metadata).Metadata(limits);
            RuleFor(chat => chat.ExternalUserId).AtMostCharacters(limits.ExternalUserIdLength);
            this.CreationTimeOf(chat => (chat.CreatedAt, chat.MayImport), time);
        }
    }

    public sealed class Handler(ChatWriter writer, IdGenerator ids) : IRequestHandler<Command, WriteResult<Chat>>
    {
        public Task<WriteResult<Chat>> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            return writer.Write(command.ToChat(id, command.CreatedAt.Or(now)), ct);
        }
    }
}
