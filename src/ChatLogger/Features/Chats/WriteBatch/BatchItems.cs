using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>The rules of the items of a batch, which are those of the routes for one.</summary>
internal sealed record BatchRules(
    IValidator<CreateChat.Command> Chats, IValidator<AppendMessage.Command> Messages, IValidator<GiveFeedback.Command> Feedback);

/// <summary>
/// The items of one batch: makes writes of those that are valid, writes the chats, then the messages, then the feedback, and collects the
/// results.
/// </summary>
internal sealed partial class BatchItems(
    WriteBatch.Command command,
    BatchWriter writer,
    FeedbackWriter feedbackWriter,
    BatchRules rules,
    Limits limits,
    IdGenerator ids,
    TimeProvider time)
{
    private readonly WriteBatch.Result[] _results = new WriteBatch.Result[command.Items.Count];
    private readonly List<(int Index, NewChat Chat)> _chats = [];
    private readonly List<(int Index, int? ChatAt, NewMessage Message)> _messages = [];
    private readonly List<(int Index, int? ChatAt, int? MessageAt, NewFeedback Feedback)> _feedback = [];

    // The index in the batch of each chat and message that other items may refer to, by its ref; and the ids of those that are written.
    private readonly Dictionary<string, (int Index, bool IsChat)> _refs = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Guid> _written = [];
    private readonly Dictionary<int, DateTimeOffset> _firstAt = [];
    private readonly DateTimeOffset _now = time.GetUtcNow();

    public async Task<WriteBatch.Result[]> Write(CancellationToken ct)
    {
        BeginWithFirstMessage();
        writer.Capacity.Reserve([.. _chats.Select(chat => chat.Chat), .. _messages.Select(message => message.Message)]);
        if (_chats.Count > 0)
            Answer(_chats.ConvertAll(chat => chat.Index), await writer.Open(_chats.ConvertAll(chat => chat.Chat), ct));
        var messages = _messages.FindAll(HasChat);
        if (messages.Count > 0)
        {
            Answer(
                messages.ConvertAll(message => message.Index),
                await writer.Append(messages.ConvertAll(message => InChat(message.ChatAt, message.Message)), ct));
        }
        var feedback = _feedback.FindAll(HasTarget);
        if (feedback.Count > 0)
            Answer(feedback.ConvertAll(each => each.Index), await Give(feedback, ct));
        return NothingCouldBeWritten() is { } why ? throw why : _results;
    }

    // A chat that is brought in without a time began with its first message.
    private void BeginWithFirstMessage()
    {
        for (var i = 0; i < _chats.Count; i++)
        {
            var (index, chat) = _chats[i];
            if (((WriteBatch.ChatItem)command.Items[index].Value!).CreatedAt is null && _firstAt.TryGetValue(index, out var at))
                _chats[i] = (index, chat with { Chat = chat.Chat with { CreatedAt = at, UpdatedAt = at } });
        }
    }

    private bool HasChat((int Index, int? ChatAt, NewMessage Message) message)
    {
        if (IsWritten(message.Index, message.ChatAt, "The chat of this ref was not opened; its item says why."))
            return true;
        writer.Capacity.Release(message.Message);
        return false;
    }

    private bool HasTarget((int Index, int? ChatAt, int? MessageAt, NewFeedback Feedback) each) =>
        IsWritten(each.Index, each.ChatAt, "The chat of this ref was not opened; its item says why.")
        && IsWritten(each.Index, each.MessageAt, "The message of this ref was not written; its item says why.");

    private bool IsWritten(int index, int? at, string sentence)
    {
        if (at is not { } other || _written.ContainsKey(other))
            return true;
        Refuse(index, ProblemException.NotFound(sentence));
        return false;
    }

    private NewMessage InChat(int? chatAt, NewMessage message) =>
        chatAt is { } at ? message with { Message = message.Message with { ChatId = _written[at] } } : message;

    private async Task<BatchItemResult[]> Give(
        List<(int Index, int? ChatAt, int? MessageAt, NewFeedback Feedback)> feedback, CancellationToken ct)
    {
        try
        {
            return await feedbackWriter.Write(
                command.Caller.OrgId,
                feedback.ConvertAll(each => each.Feedback with
                {
                    ChatId = each.ChatAt is { } chat ? _written[chat] : each.Feedback.ChatId,
                    MessageId = each.MessageAt is { } message ? _written[message] : each.Feedback.MessageId,
                }),
                ct);
        }
        catch (Exception failure)
        {
            var error = writer.ErrorOf(failure);
            return [.. feedback.Select(_ => new BatchItemResult(default, false, error))];
        }
    }

    private void Answer(List<int> indexes, BatchItemResult[] results)
    {
        foreach (var (index, result) in indexes.Zip(results))
        {
            if (result.Error is { } why)
            {
                Refuse(index, why);
                continue;
            }
            _written[index] = result.Id;
            _results[index] = new(index, StatusCodes.Status201Created, result.Id, result.Replayed, null);
        }
    }

    private void Refuse(int index, ProblemException problem) =>
        _results[index] = new(index, problem.Type.Status, null, false, problem);

    // If every item failed with 503, the whole request is answered with 503, like that of a single item. Items that refer to another one of
    // this batch are not considered, because they fail with it.
    private ProblemException? NothingCouldBeWritten()
    {
        ProblemException? why = null;
        foreach (
            var result in _chats
                .Select(chat => _results[chat.Index])
                .Concat(_messages.Where(message => message.ChatAt is null).Select(message => _results[message.Index]))
                .Concat(_feedback.Where(each => (each.ChatAt ?? each.MessageAt) is null).Select(each => _results[each.Index])))
        {
            if (result.Problem?.Type != ProblemType.Unavailable)
                return null;
            why ??= result.Problem;
        }
        return why;
    }
}
