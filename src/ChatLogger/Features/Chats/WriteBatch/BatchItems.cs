using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using FluentValidation.Results;

namespace ChatLogger.Features;

/// <summary>
/// The items of one batch: makes writes of those that are valid, writes the chats and then the messages, and collects the results.
/// </summary>
internal sealed class BatchItems(
    WriteBatch.Command command,
    BatchWriter writer,
    IValidator<CreateChat.Command> chatRules,
    IValidator<AppendMessage.Command> messageRules,
    Limits limits,
    IdGenerator ids,
    TimeProvider time)
{
    private readonly WriteBatch.Result[] _results = new WriteBatch.Result[command.Items.Count];
    private readonly List<(int Index, NewChat Chat)> _chats = [];
    private readonly List<(int Index, int? ChatAt, NewMessage Message)> _messages = [];

    // The index in the batch of each chat that messages may refer to, by its ref; and the ids of the chats that have been created.
    private readonly Dictionary<string, int> _refs = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Guid> _opened = [];
    private readonly Dictionary<int, DateTimeOffset> _firstAt = [];
    private readonly bool _mayImport = command.Caller.May(KeyScope.Import);
    private readonly DateTimeOffset _now = time.GetUtcNow();

    public void Add(int index)
    {
        var item = command.Items[index];
        var problem =
            item.Problem ?? (item.Chat is not null ? Parse(index, item.Chat, item.Sha256) : Parse(index, item.Message!, item.Sha256));
        if (problem is not null)
            Refuse(index, problem);
    }

    public async Task<WriteBatch.Result[]> Write(CancellationToken ct)
    {
        BeginWithFirstMessage();
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

    private ProblemException? Parse(int index, WriteBatch.ChatItem item, byte[]? sha256)
    {
        var failures = new List<ValidationFailure>();
        CheckName("ref", item.Ref, failures);
        if (item.Ref is { } name && failures.Count == 0 && !_refs.TryAdd(name, index))
            failures.Add(new("ref", "An earlier item of this batch has the same."));
        if (CreationTime.Refuse(item.CreatedAt, _mayImport, _now) is { } refusal)
            return refusal;
        var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, sha256, failures);
        var chat = item.By(command.Caller, idempotencyKey);
        failures.AddRange(chatRules.Validate(chat).Errors);
        if (failures.Count > 0)
            return ProblemException.Validation(failures);
        var (id, now) = ids.Next();
        _chats.Add((index, chat.ToChat(id, chat.CreatedAt.Or(now))));
        return null;
    }

    private ProblemException? Parse(int index, WriteBatch.MessageItem item, byte[]? sha256)
    {
        if (CreationTime.Refuse(item.CreatedAt, _mayImport, _now) is { } refusal)
            return refusal;
        var failures = new List<ValidationFailure>();
        if (item.ChatId is null == item.ChatRef is null)
            failures.Add(new("chatId", "Either chatId or chatRef says where it belongs."));
        CheckName("chatRef", item.ChatRef, failures);
        var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, sha256, failures);
        var message = item.To(command.Caller, item.ChatId ?? Guid.Empty, idempotencyKey);
        failures.AddRange(messageRules.Validate(message).Errors);
        if (failures.Count > 0)
            return ProblemException.Validation(failures);
        int? chatAt = null;
        if (item.ChatRef is { } name)
        {
            if (!_refs.TryGetValue(name, out var at))
                return ProblemException.NotFound("No earlier item of this batch has this ref.");
            chatAt = at;
            if (message.CreatedAt is not null)
                _firstAt.TryAdd(at, message.CreatedAt.Or(_now));
        }
        var (id, now) = ids.Next();
        _messages.Add((index, chatAt, new NewMessage(message.OrgId, message.ToMessage(id, message.CreatedAt.Or(now)), idempotencyKey)));
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

    // A chat that is brought in without a time began with its first message.
    private void BeginWithFirstMessage()
    {
        for (var i = 0; i < _chats.Count; i++)
        {
            var (index, chat) = _chats[i];
            if (command.Items[index].Chat!.CreatedAt is null && _firstAt.TryGetValue(index, out var at))
                _chats[i] = (index, chat with { Chat = chat.Chat with { CreatedAt = at, UpdatedAt = at } });
        }
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
}
