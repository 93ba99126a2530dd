using System.Diagnostics;
using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/erasures: an admin has all chats of an end user, or of a member, removed for good.</summary>
internal static class RequestErasure
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost("/erasures", async (Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                var erasure = await sender.Send(body.Value.By(caller, actor), ct);
                return TypedResults.Accepted($"/orgs/{caller.OrgInPath}/erasures/{erasure.Id}", erasure);
            })
            .WithSummary("Erase all chats of an end user, or of a member.")
            .WithDescription(
                """
                One of externalUserId and userId. When this answers, no read shows the chats any more (of somebody with tens of thousands,
                the last ones seconds later); within the hour they are removed everywhere, also from stored exports, which become outdated.
                There is no way back. Chats that are made later are not meant. An end user without chats is erased, too: the answer does
                not tell whether there were any, the counts do when it is done.
                """);

    public sealed record Request(string? ExternalUserId = null, Guid? UserId = null)
    {
        public Command By(Member caller, Actor actor) => new(caller.OrgId, ExternalUserId.NullIfEmpty(), UserId, actor);
    }

    public sealed record Command(Guid OrgId, string? ExternalUserId, Guid? UserId, Actor Actor) : IRequest<Erasure>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(erasure => erasure.ExternalUserId).AtMostCharacters(limits.ExternalUserIdLength);
            RuleFor(erasure => erasure.ExternalUserId)
                .Must((erasure, name) => (name is null) != (erasure.UserId is null))
                .WithMessage("Give one of externalUserId and userId.");
        }
    }

    public sealed class Handler(
        NpgsqlDataSource db, IdGenerator ids, OrganizationLog organizationLog, OrganizationSecrets secrets, ConversationAudit audit,
        HideChats hide)
        : IRequestHandler<Command, Erasure>
    {
        // What takes longer is done by EraseChats.
        private static readonly TimeSpan HideWithin = TimeSpan.FromSeconds(2);

        public async Task<Erasure> Handle(Command command, CancellationToken ct)
        {
            if (command.UserId is not null
                && !await db.ReadSingleOrDefaultAsync<bool>(
                    "select exists (select from users where org_id = @OrgId and id = @UserId)", command, ct))
                throw ProblemException.NotFound("No such member in this organization.");
            var secret = await secrets.Of(command.OrgId, ct);
            var subject = command.UserId is { } userId ? secret.OfMember(userId) : secret.OfEndUser(command.ExternalUserId!);
            var (id, now) = ids.Next();
            await db.InTransactionAsync(
                async transaction =>
                {
                    // What has a smaller number is meant.
                    var seqs = await organizationLog.Lock(transaction, command.OrgId);
                    await transaction.ExecuteAsync(
                        """
                        insert into erasures (org_id, id, external_user_id, user_id, subject, up_to, state, created_at)
                        values (@OrgId, @Id, @ExternalUserId, @UserId, @Subject, @UpTo, 'queued', @Now)
                        """,
                        new
                        {
                            command.OrgId,
                            Id = id,
                            command.ExternalUserId,
                            command.UserId,
                            Subject = subject,
                            UpTo = seqs[0],
                            Now = now,
                        });
                    await audit.Write(
                        transaction,
                        AuditEvent.OfErasure(
                            command.OrgId, command.Actor, AuditAction.ErasureRequested, Convert.ToHexStringLower(subject)));
                    return true;
                },
                ct);
            await audit.Deliver(command.OrgId, ct);
            for (var since = Stopwatch.GetTimestamp();
                 Stopwatch.GetElapsedTime(since) < HideWithin && await hide.Next(command.OrgId, id, ct) > 0;)
            {
            }
            return (await db.ReadSingleOrDefaultAsync<Erasure>(
                $"select {Erasure.Columns} from erasures where org_id = @OrgId and id = @Id", new { command.OrgId, Id = id }, ct))!;
        }
    }
}
