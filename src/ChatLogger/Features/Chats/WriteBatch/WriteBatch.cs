using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using MediatR;

namespace ChatLogger.Features;

/// <summary>
/// POST /api/v1/orgs/{slug}/batch: a plugin creates chats, adds messages and gives feedback, up to a thousand in one request, each with a
/// result of its own. An item is equivalent to a request of <see cref="CreateChat"/>, <see cref="AppendMessage"/> or
/// <see cref="GiveFeedback"/> and follows their rules; so this is the only slice that refers to others.
/// </summary>
internal static class WriteBatch
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin
            .MapPost(
                "/batch",
                async (
                    BatchBody body,
                    PluginCaller caller,
                    Actor actor,
                    ISender sender,
                    AuditLog audit,
                    Instruments instruments,
                    CancellationToken ct) =>
                {
                    var results = await sender.Send(new Command(caller, body.Items), ct);
                    if (results.Any(result => result.Status == StatusCodes.Status403Forbidden))
                        await audit.WriteRefusal(
                            AuditEvent.OfRoute(caller.OrgId, actor, AuditAction.AccessDenied, "POST /api/v1/orgs/{slug}/batch"),
                            ct);
                    foreach (var result in results)
                        Count(result, instruments);
                    return new BatchResponse(results);
                })
            .WithMetadata(
                new BodyLimit(limits => limits.BatchBytes),
                new GzipAllowed(),
                new ItemShapes("items", ("chat", typeof(ChatItem)), ("message", typeof(MessageItem)), ("feedback", typeof(FeedbackItem))))
            .WithMetadata(RequiresQueueCapacity.ForBatches)
            .WithSummary("Open chats, add messages and give feedback, many at a time.")
            .WithDescription(
                """
                Each item is a chat, a message or feedback as on the routes for one, with a `type`. It has a result of its own,
                in the same place, and never touches its neighbours; what is refused as a whole (JSON that is malformed, another
                envelope, no item or too many) leaves nothing. The answer is sent after everything that it says is written is
                durable. The body may be compressed with gzip.

                Feedback is on a chat, or on one of its messages: `messageId`, or `messageRef`, the `ref` of an earlier message.
                A message names its chat by `chatId`, or by `chatRef`: the `ref` that an earlier item of this batch gave to its
                chat. Messages of one chat keep their order. An item's `idempotencyKey` is another one than the same key on the
                routes for one; the same item is one that is byte for byte the same, and a chat that was opened before is found
                by its `ref` again. `createdAt` may be up to 72 hours back, and farther, from 1970 on, with the scope `import`.
                A chat without one has that of its first message in the batch. A chat whose `externalId` is taken is the chat
                there is: 201 with its id, `replayed`.

                Statuses of items are 201, 400, 403, 404, 409, 422 and 503. When nothing could be written because the service is
                too busy or has no database, the whole answer is a 503. A batch counts as one request for throttling.
                """);

    private static void Count(Result result, Instruments instruments)
    {
        if (result.Problem is { } problem)
            instruments.Refused(problem.Type.Slug, "item");
        if (result.Replayed)
            instruments.Replayed("item");
    }

    /// <summary>The envelope, for the OpenAPI description only; <see cref="BatchBody"/> parses it.</summary>
    public sealed record Request(RawJsonObject[]? Items = null);

    public sealed record ChatItem(
        string? Type = null,
        string? Ref = null,
        string? IdempotencyKey = null,
        DateTimeOffset? CreatedAt = null,
        string? Title = null,
        string[]? Tags = null,
        RawJsonObject? Metadata = null,
        string? ExternalUserId = null,
        Guid? UserId = null,
        string? ExternalId = null)
    {
        public CreateChat.Command By(PluginCaller caller, Idempotency? idempotencyKey) =>
            new CreateChat.Request(ExternalId, Title, Tags, Metadata, ExternalUserId, UserId, CreatedAt).By(caller, idempotencyKey);
    }

    public sealed record MessageItem(
        string Role,
        string? Content = null,
        string? Type = null,
        Guid? ChatId = null,
        string? ChatRef = null,
        string? Ref = null,
        string? IdempotencyKey = null,
        DateTimeOffset? CreatedAt = null,
        RawJsonArray? Parts = null,
        RawJsonArray? ToolCalls = null,
        string? ToolCallId = null,
        string? Name = null,
        RawJsonObject? Metadata = null,
        int? LatencyMs = null,
        int? TokenCount = null,
        int? PromptTokens = null,
        int? CompletionTokens = null,
        string? Model = null)
    {
        public AppendMessage.Command To(PluginCaller caller, Guid chatId, Idempotency? idempotencyKey) =>
            new AppendMessage.Request(
                Role, Content, Parts, ToolCalls, ToolCallId, Name, Metadata, LatencyMs, TokenCount, PromptTokens, CompletionTokens, Model,
                CreatedAt)
                .To(caller, chatId, idempotencyKey);
    }

    public sealed record FeedbackItem(
        string Rating,
        string? Type = null,
        Guid? ChatId = null,
        string? ChatRef = null,
        Guid? MessageId = null,
        string? MessageRef = null,
        string? Comment = null,
        string? IdempotencyKey = null,
        DateTimeOffset? CreatedAt = null)
    {
        public GiveFeedback.Command On(PluginCaller caller) =>
            new GiveFeedback.Request(Rating, Comment).On(caller, ChatId ?? Guid.Empty, MessageId) with
            {
                CreatedAt = CreatedAt,
                MayImport = caller.May(KeyScope.Import),
            };
    }

    /// <summary>
    /// A parsed item: a chat, a message, a feedback, or the problem that makes it invalid. Hash is that of its bytes; null: it has no
    /// Idempotency-Key.
    /// </summary>
    public readonly record struct Item(object? Value, BodyHash? Hash, ProblemException? Problem);

    public sealed record Command(PluginCaller Caller, IReadOnlyList<Item> Items) : IRequest<Result[]>;

    public sealed record Response(Result[] Results);

    public sealed record Result(int Index, int Status, Guid? Id, bool Replayed, ProblemException? Problem);

    public sealed class Handler(
        BatchWriter writer,
        FeedbackWriter feedbackWriter,
        BatchRules rules,
        Limits limits,
        IdGenerator ids,
        TimeProvider time)
        : IRequestHandler<Command, Result[]>
    {
        public Task<Result[]> Handle(Command command, CancellationToken ct)
        {
            var items = new BatchItems(command, writer, feedbackWriter, rules, limits, ids, time);
            for (var i = 0; i < command.Items.Count; i++)
                items.Add(i);
            return items.Write(ct);
        }
    }
}
