using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// PUT /api/v1/orgs/{slug}/chats/{chatId}/feedback, and …/chats/{chatId}/messages/{messageId}/feedback: a plugin stores the rating that its
/// end user gave to a chat of its organization, or to one message.
/// </summary>
internal static class GiveFeedback
{
    private const string Description =
        "rating: up or down. The answer is the feedback as it is kept; the last one wins, and its time is the one that counts. It does "
            + "not move the chat's updatedAt.";

    public static void Map(IEndpointRouteBuilder plugin)
    {
        plugin
            .MapPut(
                "/chats/{chatId}/feedback",
                async (PathId chatId, Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.On(caller.OrgId, chatId, null), ct)))
            .WithSummary("Rate a chat.")
            .WithDescription(Description);

        plugin.MapPut("/chats/{chatId}/messages/{messageId}/feedback",
                async (PathId chatId, PathId messageId, Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.On(caller.OrgId, chatId, messageId), ct)))
            .WithName("GiveFeedbackOnMessage")
            .WithSummary("Rate a message.")
            .WithDescription(Description);
    }

    public sealed record Request(string Rating, string? Comment = null)
    {
        public Command On(Guid orgId, Guid chatId, Guid? messageId) => new(orgId, chatId, messageId, Rating, Comment.NullIfEmpty());
    }

    /// <summary>Rates the message, or the chat if MessageId is null.</summary>
    public sealed record Command(Guid OrgId, Guid ChatId, Guid? MessageId, string Rating, string? Comment) : IRequest<Feedback>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(feedback => feedback.Rating).Must(rating => rating is "up" or "down").WithMessage("Must be one of: up, down.");
            RuleFor(feedback => feedback.Comment).AtMostCharacters(limits.CommentLength);
        }
    }

    public sealed record Row(string? Rating, string? Comment, DateTimeOffset? At);

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, ChangeLog changeLog) : IRequestHandler<Command, Feedback>
    {
        // The insert selects its target by organization, which is the tenant check. It locks the chat in the mode of the foreign key check
        // (key share), so that a chat that is being purged results in 404 instead of a foreign key violation; this mode does not conflict
        // with the lock of message inserts. A replaced rating is stored in feedback_replaced, so that the rollups can subtract it if they
        // have counted it.
        public async Task<Feedback> Handle(Command command, CancellationToken ct)
        {
            var parameters = new { command.OrgId, command.ChatId, command.MessageId, command.Rating, command.Comment, ids.Next().Now };
            while (true)
            {
                var row = await db.QuerySingleOrDefaultAsync<Row>(
                        """
                        with target as materialized (
                            select c.org_id, coalesce(m.id, c.id) as id, c.id as chat_id
                            from chats c
                            left join messages m on m.org_id = c.org_id and m.chat_id = c.id and m.id = @MessageId
                            where c.org_id = @OrgId
                              and c.id = @ChatId
                              and c.deleted_at is null
                              and (@MessageId is null or m.id is not null)
                            for key share of c
                        ), before as materialized (
                            select f.org_id, f.chat_id, f.seq, f.rating, f.at
                            from target t
                            join feedback f on f.org_id = t.org_id and f.target_id = t.id
                            where f.org_id = @OrgId
                            for update of f
                        ), replaced as (
                            insert into feedback_replaced (org_id, seq, chat_id, rating, at)
                            select org_id, seq, chat_id, rating, at
                            from before
                        ), given as (
                            insert into feedback as f (org_id, target_id, chat_id, rating, comment, at)
                            select org_id, id, chat_id, @Rating, @Comment, @Now
                            from target
                            on conflict (org_id, target_id) do update
                            set rating = excluded.rating, comment = excluded.comment, at = excluded.at, seq = excluded.seq
                            where f.seq = (select seq from before)
                            returning rating, comment, at
                        )
                        select g.rating, g.comment, g.at
                        from target
                        left join given g on true
                        """,
                        parameters,
                        ct)
                    ?? throw ProblemException.NotFound(
                        command.MessageId is null ? "No such chat in this organization." : "No such message in this chat.");
                // A concurrent request inserted the first rating between the snapshot and the insert. The retry replaces it.
                if (Feedback.From(row.Rating, row.Comment, row.At) is not { } feedback)
                    continue;
                changeLog.Record(command.OrgId);
                return feedback;
            }
        }
    }
}
