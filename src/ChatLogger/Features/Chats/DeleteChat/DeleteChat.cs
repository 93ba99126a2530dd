using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>DELETE /orgs/me/chats/{chatId}: a member deletes a chat. It is hidden from everybody at once and purged later.</summary>
internal static class DeleteChat
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapDelete("/chats/{chatId}", async (PathId chatId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, caller.OnlyChatsOf, chatId, actor), ct);
                return TypedResults.NoContent();
            })
            .WithSummary("Delete a chat.")
            .WithDescription("The chat and its messages are in no read, list, count or export any more, and nothing can be added to them.");

    public sealed record Command(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId, Actor Actor) : IRequest;

    public sealed class Handler(
        NpgsqlDataSource db, IdGenerator ids, ConversationAudit audit, OrganizationLog organizationLog, OrganizationSecrets secrets,
        Tombstones tombstones)
        : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var (_, now) = ids.Next();
            var secret = await secrets.Of(command.OrgId, ct);
            // Not of more messages than a step of the purge, which finds the rest.
            var traces = await ChatPurgeSql.Traces(
                db, new { command.OrgId, Chats = new[] { command.ChatId }, IOrganizationPurger.BatchRows }, ct);
            await db.InTransactionAsync(
                async transaction =>
                {
                    var seqs = await organizationLog.Lock(transaction, command.OrgId);
                    var externalIds = await transaction.QueryAsync<string?>(
                        """
                        update chats
                        set deleted_at = @Now
                        where org_id = @OrgId
                          and id = @ChatId
                          and deleted_at is null
                          and (@OnlyChatsOf is null or user_id = @OnlyChatsOf)
                        returning external_id
                        """,
                        new { command.OrgId, command.ChatId, command.OnlyChatsOf, Now = now });
                    if (externalIds.Count == 0)
                        throw ProblemException.NotFound("No such chat in this organization.");
                    await tombstones.Add(transaction, command.OrgId, secret, externalIds.Concat(traces));
                    await OrganizationEvents.Record(transaction, command.OrgId, seqs[0], command.ChatId, deleted: true, message: null, now);
                    await audit.Write(
                        transaction,
                        AuditEvent.OfChat(command.OrgId, command.Actor, AuditAction.ChatDeleted, command.ChatId));
                    return true;
                },
                ct);
            await audit.Deliver(command.OrgId, ct);
        }
    }
}
