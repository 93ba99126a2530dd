using System.Reflection;
using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using FluentValidation;
using FluentValidation.Results;
using MediatR;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>
/// POST /api/v1/orgs/{slug}/batch: a plugin creates chats and adds messages, up to a thousand in one request, each with a result of its
/// own. An item is equivalent to a request of <see cref="CreateChat"/> or <see cref="AppendMessage"/> and follows their rules; so this is
/// the only slice that refers to others.
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
                    var results = await sender.Send(new Command(caller.OrgId, caller.Scopes.Contains(KeyScope.Import), body.Items), ct);
                    if (results.Any(result => result.Status == StatusCodes.Status403Forbidden))
                        await audit.WriteRefusal(
                            AuditEvent.OfRoute(caller.OrgId, actor, AuditAction.AccessDenied, "POST /api/v1/orgs/{slug}/batch"),
                            ct);
                    foreach (var result in results)
                        Count(result, instruments);
                    return new Answer(results);
                })
            .WithMetadata(
                new BodyLimit(limits => limits.BatchBytes),
                new GzipAllowed(),
                new ItemShapes("items", ("chat", typeof(ChatItem)), ("message", typeof(MessageItem))))
            .WithMetadata(RequiresQueueCapacity.ForBatches)
            .WithSummary("Open chats and add messages, many at a time.")
            .WithDescription(
                """
                Each item is a chat or a message as on the routes for one, with a `type`. It has a result of its own, in the same place, and never
                touches its neighbours; what is refused as a whole (JSON that is malformed, another envelope, no item or too many) leaves
                nothing. The answer is sent after everything that it says is written is durable. The body may be compressed with gzip.

                A message names its chat by `chatId`, or by `chatRef`: the `ref` that an earlier item of this batch gave to its chat. Messages of
                one chat keep their order. An item's `idempotencyKey` is another one than the same key on the routes for one; the same item is one
                that is byte for byte the same, and a chat that was opened before is found by its `ref` again. `createdAt` needs a key with the
                scope `import`, and is from 1970 to a day from now.

                Statuses of items are 201, 400, 403, 404, 409, 422 and 503. When nothing could be written because the service is too busy or has no
                database, the whole answer is a 503. A batch counts as one request for throttling.
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
        Guid? UserId = null)
    {
        public CreateChat.Command By(Guid orgId, Idempotency? idempotencyKey) =>
            new CreateChat.Request(Title, Tags, Metadata, ExternalUserId, UserId).By(orgId, idempotencyKey);
    }

    public sealed record MessageItem(
        string Role,
        string Content,
        string? Type = null,
        Guid? ChatId = null,
        string? ChatRef = null,
        string? IdempotencyKey = null,
        DateTimeOffset? CreatedAt = null,
        RawJsonObject? Metadata = null,
        int? LatencyMs = null,
        int? TokenCount = null,
        int? PromptTokens = null,
        int? CompletionTokens = null,
        string? Model = null)
    {
        public AppendMessage.Command To(Guid orgId, Guid chatId, Idempotency? idempotencyKey) =>
            new AppendMessage.Request(Role, Content, Metadata, LatencyMs, TokenCount, PromptTokens, CompletionTokens, Model).To(
                orgId,
                chatId,
                idempotencyKey);
    }

    /// <summary>
    /// A parsed item: a chat, a message, or the problem that makes it invalid. Sha256 is the hash of its bytes; null: it has no
    /// Idempotency-Key.
    /// </summary>
    public readonly record struct Item(ChatItem? Chat, MessageItem? Message, byte[]? Sha256, ProblemException? Problem);

    public sealed record Command(Guid OrgId, bool MayImport, IReadOnlyList<Item> Items) : IRequest<Result[]>;

    public sealed record Response(Result[] Results);

    public sealed record Result(int Index, int Status, Guid? Id, bool Replayed, ProblemException? Problem);

    public sealed class Handler(
        BatchWriter writer,
        IValidator<CreateChat.Command> chatRules,
        IValidator<AppendMessage.Command> messageRules,
        Limits limits,
        IdGenerator ids,
        TimeProvider time
    ) : IRequestHandler<Command, Result[]>
    {
        public async Task<Result[]> Handle(Command command, CancellationToken ct)
        {
            var work = new Work(command, writer, chatRules, messageRules, limits, ids, time);
            for (var i = 0; i < command.Items.Count; i++)
                work.Take(i);
            return await work.Write(ct);
        }

        private sealed class Work(
            Command command,
            BatchWriter writer,
            IValidator<CreateChat.Command> chatRules,
            IValidator<AppendMessage.Command> messageRules,
            Limits limits,
            IdGenerator ids,
            TimeProvider time)
        {
            private readonly Result[] _results = new Result[command.Items.Count];
            private readonly List<(int Index, NewChat Chat)> _chats = [];
            private readonly List<(int Index, int? ChatAt, NewMessage Message)> _messages = [];

            // The index in the batch of each chat that messages may refer to, by its ref; and the ids of the chats that have been created.
            private readonly Dictionary<string, int> _refs = new(StringComparer.Ordinal);
            private readonly Dictionary<int, Guid> _opened = [];
            private readonly DateTimeOffset _latest = time.GetUtcNow().AddDays(1);

            public void Take(int index)
            {
                var item = command.Items[index];
                var problem =
                    item.Problem ?? (item.Chat is not null ? Take(index, item.Chat, item.Sha256) : Take(index, item.Message!, item.Sha256));
                if (problem is not null)
                    Refuse(index, problem);
            }

            public async Task<Result[]> Write(CancellationToken ct)
            {
                writer.Capacity.Reserve([.. _chats.Select(chat => chat.Chat), .. _messages.Select(message => message.Message)]);
                if (_chats.Count > 0)
                {
                    var results = await writer.Open(_chats.ConvertAll(chat => chat.Chat), ct);
                    for (var i = 0; i < results.Length; i++)
                    {
                        if (Answer(_chats[i].Index, results[i]))
                            _opened[_chats[i].Index] = results[i].Id;
                    }
                }
                var messages = _messages.FindAll(HasChat);
                if (messages.Count > 0)
                {
                    var results = await writer.Append(messages.ConvertAll(message => InChat(message.ChatAt, message.Message)), ct);
                    for (var i = 0; i < results.Length; i++)
                        Answer(messages[i].Index, results[i]);
                }
                return NothingCouldBeWritten() is { } why ? throw why : _results;
            }

            private ProblemException? Take(int index, ChatItem item, byte[]? sha256)
            {
                var failures = new List<ValidationFailure>();
                CheckName("ref", item.Ref, failures);
                if (item.Ref is { } name && failures.Count == 0 && !_refs.TryAdd(name, index))
                    failures.Add(new("ref", "An earlier item of this batch has the same."));
                if (item.CreatedAt is not null && !command.MayImport)
                    return NotImporting();
                var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, sha256, failures);
                var chat = item.By(command.OrgId, idempotencyKey);
                failures.AddRange(chatRules.Validate(chat).Errors);
                var (id, createdAt) = CreatedAtOf(item.CreatedAt, failures);
                if (failures.Count > 0)
                    return ProblemException.Validation(failures);
                _chats.Add((index, new NewChat(
                    chat.OrgId,
                    new Chat(id, chat.Title, chat.Tags, chat.Metadata, chat.UserId, chat.ExternalUserId, createdAt, createdAt, null),
                    idempotencyKey)));
                return null;
            }

            private ProblemException? Take(int index, MessageItem item, byte[]? sha256)
            {
                if (item.CreatedAt is not null && !command.MayImport)
                    return NotImporting();
                var failures = new List<ValidationFailure>();
                if (item.ChatId is null == item.ChatRef is null)
                    failures.Add(new("chatId", "Either chatId or chatRef says where it belongs."));
                CheckName("chatRef", item.ChatRef, failures);
                var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, sha256, failures);
                var message = item.To(command.OrgId, item.ChatId ?? Guid.Empty, idempotencyKey);
                failures.AddRange(messageRules.Validate(message).Errors);
                var (id, createdAt) = CreatedAtOf(item.CreatedAt, failures);
                if (failures.Count > 0)
                    return ProblemException.Validation(failures);
                int? chatAt = null;
                if (item.ChatRef is { } name)
                {
                    if (!_refs.TryGetValue(name, out var at))
                        return ProblemException.NotFound("No earlier item of this batch has this ref.");
                    chatAt = at;
                }
                _messages.Add(
                    (
                        index,
                        chatAt,
                        new NewMessage(
                            message.OrgId,
                            new Message(
                                id,
                                message.ChatId,
                                message.Role,
                                message.Content,
                                message.Metadata,
                                message.LatencyMs,
                                message.TokenCount,
                                message.PromptTokens,
                                message.CompletionTokens,
                                message.Model,
                                createdAt,
                                null),
                            idempotencyKey)));
                return null;
            }

            private void CheckName(string path, string? name, List<ValidationFailure> failures)
            {
                if (name is not null && (name.Length == 0 || Text.Length(name) > limits.RefLength))
                    failures.Add(new(path, $"Must have 1 to {limits.RefLength} characters."));
            }

            private static Idempotency? IdempotencyKeyOf(string? key, byte[]? sha256, List<ValidationFailure> failures)
            {
                if (key is null)
                    return null;
                if (IdempotencyKey.Read(key) is { } read)
                    return new Idempotency(read, sha256!);
                failures.Add(new(IdempotencyKey.Path, IdempotencyKey.Sentence));
                return null;
            }

            // The id contains the time of the request; createdAt is the time that an import gives, or else the same. Both are whole
            // milliseconds, as responses and cursors have them.
            private (Guid Id, DateTimeOffset CreatedAt) CreatedAtOf(DateTimeOffset? said, List<ValidationFailure> failures)
            {
                var (id, now) = ids.Next();
                if (said is not { } at)
                    return (id, now);
                if (at < DateTimeOffset.UnixEpoch || at > _latest)
                    failures.Add(new("createdAt", "Must be from 1970 to a day from now."));
                return (id, DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()));
            }

            private bool HasChat((int Index, int? ChatAt, NewMessage Message) message)
            {
                if (message.ChatAt is not { } at || _opened.ContainsKey(at))
                    return true;
                writer.Capacity.Release(message.Message);
                Refuse(message.Index, ProblemException.NotFound("The chat of this ref was not opened; its item says why."));
                return false;
            }

            private NewMessage InChat(int? chatAt, NewMessage message) =>
                chatAt is { } at ? message with { Message = message.Message with { ChatId = _opened[at] } } : message;

            private bool Answer(int index, BatchItemResult results)
            {
                if (results.Error is { } why)
                    Refuse(index, why);
                else
                    _results[index] = new(index, StatusCodes.Status201Created, results.Id, results.Replayed, null);
                return results.Error is null;
            }

            private void Refuse(int index, ProblemException problem) =>
                _results[index] = new(index, problem.Type.Status, null, false, problem);

            // If every item failed with 503, the whole request is answered with 503, like that of a single item. Messages that refer to a
            // chat of this batch are not considered, because they fail with their chat.
            private ProblemException? NothingCouldBeWritten()
            {
                ProblemException? why = null;
                foreach (
                    var result in _chats
                        .Select(chat => _results[chat.Index])
                        .Concat(_messages.Where(message => message.ChatAt is null).Select(message => _results[message.Index])))
                {
                    if (result.Problem?.Type != ProblemType.Unavailable)
                        return null;
                    why ??= result.Problem;
                }
                return why;
            }

            private static ProblemException NotImporting() =>
                ProblemException.Forbidden($"The key lacks the scope {KeyScope.Import}, which createdAt needs.");
        }
    }

    /// <summary>The 207 response: a result for each item, in the order of the items.</summary>
    public sealed class Answer(Result[] results) : IResult, IEndpointMetadataProvider
    {
        public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
            builder.Metadata.Add(
                new ProducesResponseTypeMetadata(StatusCodes.Status207MultiStatus, typeof(Response), ["application/json"]));

        public async Task ExecuteAsync(HttpContext context)
        {
            var response = context.Response;
            response.StatusCode = StatusCodes.Status207MultiStatus;
            response.ContentType = "application/json; charset=utf-8";
            var traceId = ProblemWriter.TraceId(context);
            using (
                var json = new Utf8JsonWriter(response.BodyWriter, new JsonWriterOptions { Encoder = Json.Encoder, SkipValidation = true }))
            {
                json.WriteStartObject();
                json.WriteStartArray("results");
                foreach (var result in results)
                    Write(json, result, traceId);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            // The token is not passed: the response is sent even after the deadline, because some of the items may have been written in
            // time.
            await response.BodyWriter.FlushAsync(CancellationToken.None);
        }

        private static void Write(Utf8JsonWriter json, Result result, string traceId)
        {
            json.WriteStartObject();
            json.WriteNumber("index", result.Index);
            json.WriteNumber("status", result.Status);
            if (result.Id is { } id)
                json.WriteString("id", id);
            else
                json.WriteNull("id");
            json.WriteBoolean("replayed", result.Replayed);
            json.WritePropertyName("problem");
            if (result.Problem is { } problem)
                ProblemWriter.Write(json, problem, traceId);
            else
                json.WriteNullValue();
            json.WriteEndObject();
        }
    }
}
