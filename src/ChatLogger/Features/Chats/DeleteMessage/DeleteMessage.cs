using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// DELETE /orgs/me/chats/{chatId}/messages/{messageId}: a member removes one message of a chat for good, with its feedback.
/// </summary>
internal static class DeleteMessage
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization
            .MapDelete(
                "/chats/{chatId}/messages/{messageId}",
                async (PathId chatId, PathId messageId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                {
                    await sender.Send(new Command(caller.OrgId, caller.OnlyChatsOf, chatId, messageId, actor), ct);
                    return TypedResults.NoContent();
                })
            .WithSummary("Delete a message.")
            .WithDescription(
                "The message and its feedback are in no read, list, count or export any more, and stored exports that hold the chat are "
                    + "outdated. With the role user in chats attributed to the caller.");

    public sealed record Command(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId, Guid MessageId, Actor Actor) : IRequest;

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, ConversationAudit audit, OrganizationLog organizationLog)
        : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            await Delete(command, ct);
            await audit.Deliver(command.OrgId, ct);
        }

        private Task<bool> Delete(Command command, CancellationToken ct) => db.InTransactionAsync(
            async transaction =>
            {
                var seqs = await organizationLog.Lock(transaction, command.OrgId, numbers: 2);
                var chats = await transaction.QueryAsync<Guid>(
                    """
                    select id
                    from chats
                    where org_id = @OrgId
                      and id = @ChatId
                      and deleted_at is null
                      and (@OnlyChatsOf is null or user_id = @OnlyChatsOf)
                    """,
                    command);
                if (chats.Count == 0)
                    throw ProblemException.NotFound("No such chat in this organization.");
                var messages = await transaction.QueryAsync<OrganizationEvents.DeletedMessage>(
                    """
                    delete from messages
                    where org_id = @OrgId
                      and chat_id = @ChatId
                      and id = @MessageId
                    returning created_at, seq
                    """,
                    command);
                if (messages.Count == 0)
                    throw ProblemException.NotFound("No such message in this chat.");
                var numbered = new { command.OrgId, command.ChatId, command.MessageId, Seq = seqs[0] };
                // What the rollups have counted of its rating is subtracted.
                await transaction.ExecuteAsync(
                    """
                    with gone as (
                        delete from feedback
                        where org_id = @OrgId
                          and chat_id = @ChatId
                          and target_id = @MessageId
                        returning org_id, seq, chat_id, rating, at
                    )
                    insert into feedback_replaced (org_id, until_seq, seq, chat_id, rating, at)
                    select org_id, @Seq, seq, chat_id, rating, at
                    from gone
                    """,
                    numbered);
                // The search index removes the words of the message.
                await transaction.ExecuteAsync("update chats set text_seq = @Seq where org_id = @OrgId and id = @ChatId", numbered);
                await OrganizationEvents.Record(
                    transaction, command.OrgId, seqs[1], command.ChatId, deleted: false, messages[0], ids.Next().Now);
                await audit.Write(
                    transaction,
                    AuditEvent.OfMessage(command.OrgId, command.Actor, AuditAction.MessageDeleted, command.ChatId, command.MessageId),
                    changedChatId: command.ChatId);
                return true;
            },
            ct);
    }
}
