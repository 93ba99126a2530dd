using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;

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
                    TypedResults.Ok(await sender.Send(body.Value.On(caller, chatId, null), ct)))
            .WithSummary("Rate a chat.")
            .WithDescription(Description);

        plugin.MapPut("/chats/{chatId}/messages/{messageId}/feedback",
                async (PathId chatId, PathId messageId, Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.On(caller, chatId, messageId), ct)))
            .WithName("GiveFeedbackOnMessage")
            .WithSummary("Rate a message.")
            .WithDescription(Description);
    }

    public sealed record Request(string Rating, string? Comment = null)
    {
        public Command On(PluginCaller caller, Guid chatId, Guid? messageId) =>
            new(caller.OrgId, chatId, messageId, Rating, Comment.NullIfEmpty()) { Policy = caller.Policy };
    }

    /// <summary>Rates the message, or the chat if MessageId is null.</summary>
    public sealed record Command(Guid OrgId, Guid ChatId, Guid? MessageId, string Rating, string? Comment) : IRequest<Feedback>
    {
        /// <summary>Null: now. Only items of a batch have it.</summary>
        public DateTimeOffset? CreatedAt { get; init; }

        public bool MayImport { get; init; }

        public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;

        /// <summary>The feedback as it is stored: with what the organization does not want to be stored replaced.</summary>
        public Feedback ToFeedback(DateTimeOffset at) => new(Rating, Policy.RedactComment(Comment), at);
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, TimeProvider time)
        {
            RuleFor(feedback => feedback.Rating).Must(rating => rating is "up" or "down").WithMessage("Must be one of: up, down.");
            RuleFor(feedback => feedback.Comment).AtMostCharacters(limits.CommentLength);
            this.CreationTimeOf(feedback => (feedback.CreatedAt, feedback.MayImport), time);
        }
    }

    public sealed class Handler(FeedbackQueue queue, IdGenerator ids) : IRequestHandler<Command, Feedback>
    {
        public async Task<Feedback> Handle(Command command, CancellationToken ct)
        {
            var feedback = command.ToFeedback(ids.Next().Now);
            var result = await queue.Write(command.OrgId, new NewFeedback(command.ChatId, command.MessageId, feedback, null), ct);
            return result.Error is { } refusal ? throw refusal : feedback;
        }
    }
}
