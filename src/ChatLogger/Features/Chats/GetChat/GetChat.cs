using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// GET /orgs/me/chats/{chatId} and GET /api/v1/orgs/{slug}/chats/{chatId}: a member reads one of the chats that they may see, or a plugin
/// one of its organization's.
/// </summary>
internal static class GetChat
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/chats/{chatId}", async (PathId chatId, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, caller.OnlyChatsOf, chatId), ct)))
            .WithSummary("Read a chat.");

    public static void MapPlugin(IEndpointRouteBuilder plugin) =>
        plugin.MapGet("/chats/{chatId}", async (PathId chatId, PluginCaller caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, null, chatId), ct)))
            .WithName("GetChatAsPlugin")
            .WithSummary("Read a chat as a plugin.");

    public sealed record Query(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId) : IRequest<Chat>;

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Chat>
    {
        public async Task<Chat> Handle(Query query, CancellationToken ct)
        {
            var row = await db.ReadSingleOrDefaultAsync<Chat.Row>(
                """
                select c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at,
                       f.rating, f.comment, f.at
                from chats c
                left join feedback f on f.org_id = c.org_id and f.target_id = c.id
                where c.org_id = @OrgId
                  and c.id = @ChatId
                  and c.deleted_at is null
                  and (@OnlyChatsOf is null or c.user_id = @OnlyChatsOf)
                """,
                query,
                ct);
            return row?.ToChat() ?? throw ProblemException.NotFound("No such chat in this organization.");
        }
    }
}
