using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /api/v1/orgs/{slug}/chats: a plugin opens a chat in its organization.</summary>
internal static class CreateChat
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin.MapPost("/chats", async (Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
            {
                var chat = await sender.Send(body.Value.By(caller.OrgId), ct);
                return TypedResults.Created($"/api/v1/orgs/{caller.OrgSlug}/chats/{chat.Id}", chat);
            })
            .WithSummary("Open a chat.")
            .WithDescription("userId attributes the chat to a member of the organization; externalUserId is your own name for your end user.");

    public sealed record Request(
        string? Title = null, string[]? Tags = null, JsonObjectText? Metadata = null, string? ExternalUserId = null, Guid? UserId = null)
    {
        public Command By(Guid orgId) => new(
            orgId, Title.NullIfEmpty(), ChatRules.Trimmed(Tags), Metadata ?? JsonObjectText.Empty, ExternalUserId.NullIfEmpty(), UserId);
    }

    public sealed record Command(Guid OrgId, string? Title, string[] Tags, JsonObjectText Metadata, string? ExternalUserId, Guid? UserId)
        : IRequest<Chat>;

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

    public sealed class Handler(NpgsqlDataSource db, Ids ids) : IRequestHandler<Command, Chat>
    {
        // Attribution goes to a member of this very organization, or there is no row.
        public async Task<Chat> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var inserted = await db.ExecuteAsync(
                """
                insert into chats (org_id, id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
                select @OrgId, @Id, @Title, @Tags, @Metadata, @UserId, @ExternalUserId, @Now, @Now
                where @UserId is null
                   or exists (select from users where org_id = @OrgId and id = @UserId and removed_at is null)
                """,
                new { command.OrgId, Id = id, command.Title, command.Tags, command.Metadata, command.UserId, command.ExternalUserId, Now = now },
                ct);
            return inserted == 1
                ? new Chat(id, command.Title, command.Tags, command.Metadata, command.UserId, command.ExternalUserId, now, now, null)
                : throw Problem.NotFound("No such member in this organization.");
        }
    }
}
