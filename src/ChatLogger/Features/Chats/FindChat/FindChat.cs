using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /api/v1/orgs/{slug}/chats?externalId=…: a plugin finds the chat to which it gave an external id.</summary>
internal static class FindChat
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin
            .MapGet("/chats", async (Query<Request> query, PluginCaller caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.ExternalId), ct)))
            .WithSummary("Find a chat by its external id.")
            .WithDescription("The page has the one chat with this externalId, or none.");

    public sealed record Request(string ExternalId);

    public sealed record Query(Guid OrgId, string ExternalId) : IRequest<Page<Chat>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator(Limits limits)
        {
            RuleFor(query => query.ExternalId).Must(id => !string.IsNullOrEmpty(id)).WithMessage("Is required.");
            RuleFor(query => query.ExternalId).AtMostCharacters(limits.ExternalIdLength);
        }
    }

    public sealed class Handler([FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db) : IRequestHandler<Query, Page<Chat>>
    {
        public async Task<Page<Chat>> Handle(Query query, CancellationToken ct)
        {
            var row = await db.ReadSingleOrDefaultAsync<Chat.Row>(
                """
                select c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at,
                       f.rating, f.comment, f.at
                from chats c
                left join feedback f on f.org_id = c.org_id and f.target_id = c.id
                where c.org_id = @OrgId
                  and c.external_id = @ExternalId
                  and c.deleted_at is null
                """,
                query,
                ct);
            return new(row is null ? [] : [row.ToChat()], null);
        }
    }
}
