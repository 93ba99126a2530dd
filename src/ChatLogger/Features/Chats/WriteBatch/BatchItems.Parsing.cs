using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation.Results;

namespace ChatLogger.Features;

// Makes writes of the items that are valid.
internal sealed partial class BatchItems
{
    public void Add(int index)
    {
        var (value, hash, problem) = command.Items[index];
        problem ??= value switch
        {
            WriteBatch.ChatItem chat => Parse(index, chat, hash),
            WriteBatch.MessageItem message => Parse(index, message, hash),
            _ => Parse(index, (WriteBatch.FeedbackItem)value!, hash),
        };
        if (problem is not null)
            Refuse(index, problem);
    }

    private ProblemException? Parse(int index, WriteBatch.ChatItem item, BodyHash? hash)
    {
        var failures = new List<ValidationFailure>();
        Register(item.Ref, index, isChat: true, failures);
        if (CreationTime.Refuse(item.CreatedAt, command.Caller, _now) is { } refusal)
            return refusal;
        var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, hash, failures);
        var chat = item.By(command.Caller, idempotencyKey);
        failures.AddRange(rules.Chats.Validate(chat).Errors);
        if (failures.Count > 0)
            return ProblemException.Validation(failures);
        var (id, now) = ids.Next();
        _chats.Add((index, chat.ToChat(id, chat.CreatedAt.Or(now))));
        return null;
    }

    private ProblemException? Parse(int index, WriteBatch.MessageItem item, BodyHash? hash)
    {
        var failures = new List<ValidationFailure>();
        Register(item.Ref, index, isChat: false, failures);
        if (CreationTime.Refuse(item.CreatedAt, command.Caller, _now) is { } refusal)
            return refusal;
        CheckChat(item.ChatId, item.ChatRef, failures);
        var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, hash, failures);
        var message = item.To(command.Caller, item.ChatId ?? Guid.Empty, idempotencyKey);
        failures.AddRange(rules.Messages.Validate(message).Errors);
        if (failures.Count > 0)
            return ProblemException.Validation(failures);
        if (!TryFind(item.ChatRef, isChat: true, out var chatAt))
            return NoSuchRef();
        if (chatAt is { } at && message.CreatedAt is not null)
            _firstAt.TryAdd(at, message.CreatedAt.Or(_now));
        var (id, now) = ids.Next();
        _messages.Add((index, chatAt, new NewMessage(message.OrgId, message.ToMessage(id, message.CreatedAt.Or(now)), idempotencyKey)));
        return null;
    }

    private ProblemException? Parse(int index, WriteBatch.FeedbackItem item, BodyHash? hash)
    {
        if (CreationTime.Refuse(item.CreatedAt, command.Caller, _now) is { } refusal)
            return refusal;
        var failures = new List<ValidationFailure>();
        CheckChat(item.ChatId, item.ChatRef, failures);
        if (item.MessageId is not null && item.MessageRef is not null)
            failures.Add(new("messageId", "Either messageId or messageRef says which message it is on."));
        CheckName("messageRef", item.MessageRef, failures);
        var idempotencyKey = IdempotencyKeyOf(item.IdempotencyKey, hash, failures);
        var feedback = item.On(command.Caller);
        failures.AddRange(rules.Feedback.Validate(feedback).Errors);
        if (failures.Count > 0)
            return ProblemException.Validation(failures);
        if (!TryFind(item.ChatRef, isChat: true, out var chatAt) || !TryFind(item.MessageRef, isChat: false, out var messageAt))
            return NoSuchRef();
        var given = feedback.ToFeedback(feedback.CreatedAt.Or(ids.Next().Now));
        _feedback.Add((index, chatAt, messageAt, new NewFeedback(feedback.ChatId, feedback.MessageId, given, idempotencyKey)));
        return null;
    }

    private static ProblemException NoSuchRef() => ProblemException.NotFound("No earlier item of this batch has this ref.");

    // An item that is refused keeps its ref: what refers to it is refused, too.
    private void Register(string? name, int index, bool isChat, List<ValidationFailure> failures)
    {
        CheckName("ref", name, failures);
        if (name is not null && failures.Count == 0 && !_refs.TryAdd(name, (index, isChat)))
            failures.Add(new("ref", "An earlier item of this batch has the same."));
    }

    private bool TryFind(string? name, bool isChat, out int? at)
    {
        at = null;
        if (name is null)
            return true;
        if (!_refs.TryGetValue(name, out var found) || found.IsChat != isChat)
            return false;
        at = found.Index;
        return true;
    }

    private void CheckChat(Guid? chatId, string? chatRef, List<ValidationFailure> failures)
    {
        if (chatId is null == chatRef is null)
            failures.Add(new("chatId", "Either chatId or chatRef says where it belongs."));
        CheckName("chatRef", chatRef, failures);
    }

    private void CheckName(string path, string? name, List<ValidationFailure> failures)
    {
        if (name is not null && (name.Length == 0 || Text.Length(name) > limits.RefLength))
            failures.Add(new(path, $"Must have 1 to {limits.RefLength} characters."));
    }

    private static Idempotency? IdempotencyKeyOf(string? key, BodyHash? hash, List<ValidationFailure> failures)
    {
        if (key is null)
            return null;
        if (IdempotencyKey.Read(key) is { } read)
            return new Idempotency(read, hash!);
        failures.Add(new(IdempotencyKey.Path, IdempotencyKey.Sentence));
        return null;
    }
}
