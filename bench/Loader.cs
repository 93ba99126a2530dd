using ChatLogger.Bench.Http;
using ChatLogger.Import;

namespace ChatLogger.Bench;

/// <summary>
/// Logs every conversation of a file as one chat. Messages of a conversation are sent one after the other, because their order is that of
/// arrival; conversations run concurrently. In batches, a request takes as many items as allowed, of one conversation after the other.
/// </summary>
internal sealed class Loader(HttpClient http, string slug, string key, int connections = 8, RetryPolicy? timeout = null, int batch = 0)
{
    // A service accepts 4 MiB; a larger item is sent by itself and refused.
    private const int BatchBytes = 3_500_000;

    // Idempotency keys with which unanswered items are sent again. Another load of the same file uses other keys.
    private readonly string run = Guid.NewGuid().ToString("N")[..12];
    private readonly RetryPolicy timeout = timeout ?? new RetryPolicy(TimeProvider.System);

    /// <summary>The token stops the load after the requests in flight; their results are in the report.</summary>
    public async Task<LoadReport> Load(ConversationFile file, IProgress<Status>? progress = null, CancellationToken stop = default)
    {
        var report = new LoadReport();
        var client = new PluginClient(http, slug, key, timeout);
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var options = new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = halt.Token };
        try
        {
            await Parallel.ForEachAsync(Together(file.Read(halt.Token)), options, async (lines, _) =>
            {
                foreach (var line in lines.Where(line => line.Conversation is null))
                    report.AddMalformed(line);
                List<FileEntry> conversations = [.. lines.Where(line => line.Conversation is not null)];
                if (conversations.Count == 0)
                    return;
                if (batch > 0)
                    await LogTogether(conversations);
                else
                    await Log(conversations[0]);
            });
        }
        catch (OperationCanceledException) when (halt.IsCancellationRequested)
        {
            report.Stopped ??= "interrupted";
        }
        report.Finish(timeout.Retries);
        return report;

        async Task Log(FileEntry line)
        {
            var conversation = line.Conversation!;
            var chat = await client.CreateChat(Body.Of(conversation), halt.Token);
            Note(chat, $"{line.Where}, chat", isChat: true);
            var acknowledged = 0;
            var sent = 0;
            while (chat.Outcome == Outcome.Acknowledged && sent < conversation.Messages.Count && !halt.IsCancellationRequested)
            {
                var message = conversation.Messages[sent];
                var answer = await client.AddMessage(chat.Id, Body.Of(message), halt.Token);
                Note(answer, $"{line.Where}, message {sent}", isChat: false);
                sent++;
                if (answer.Outcome == Outcome.Acknowledged)
                {
                    acknowledged++;
                    report.AddMessage(message);
                    progress?.Report(report.Status(file.Fraction));
                }
            }
            report.AddConversation(
                chat.Outcome == Outcome.Acknowledged && acknowledged == conversation.Messages.Count,
                conversation.Messages.Count - sent);
            progress?.Report(report.Status(file.Fraction));
        }

        async Task LogTogether(List<FileEntry> conversations)
        {
            var chats = new string?[conversations.Count];
            var acknowledged = new int[conversations.Count];
            var sent = new int[conversations.Count];
            var waiting = new Queue<(int At, int Message)>(
                conversations.SelectMany(
                    (line, at) => Enumerable.Range(-1, line.Conversation!.Messages.Count + 1).Select(message => (at, message))));
            while (waiting.Count > 0 && !halt.IsCancellationRequested)
            {
                var (things, items) = Request(waiting, conversations, chats);
                if (things.Count == 0)
                    continue;
                var answers = await client.Batch(items, halt.Token);
                for (var i = 0; i < things.Count; i++)
                {
                    var ((at, message), answer) = (things[i], answers[Math.Min(i, answers.Count - 1)]);
                    var (line, isChat) = (conversations[at], message < 0);
                    // One response to the whole counts once, and messages of a refused chat were not sent.
                    if ((i < answers.Count && answers.Count == things.Count && (isChat || chats[at] is not null)) || i == 0)
                        Note(
                            answer,
                            isChat ? $"{line.Where}, chat" : $"{line.Where}, message {message}",
                            answers.Count < things.Count || isChat);
                    if (isChat)
                        chats[at] = answer.Outcome == Outcome.Acknowledged ? answer.Id : null;
                    else if (chats[at] is not null)
                        sent[at]++;
                    if (!isChat && answer.Outcome == Outcome.Acknowledged)
                    {
                        acknowledged[at]++;
                        report.AddMessage(line.Conversation!.Messages[message]);
                    }
                }
                progress?.Report(report.Status(file.Fraction));
            }
            for (var at = 0; at < conversations.Count; at++)
            {
                var all = conversations[at].Conversation!.Messages.Count;
                report.AddConversation(chats[at] is not null && acknowledged[at] == all, all - sent[at]);
            }
        }

        void Note(Answer answer, string where, bool isChat)
        {
            report.Add(answer, where);
            if (Hopeless(answer, isChat) is { } reason)
            {
                report.Stopped ??= reason;
                halt.Cancel();
            }
        }
    }

    private (List<(int At, int Message)> Things, List<byte[]> Items) Request(
        Queue<(int At, int Message)> waiting,
        List<FileEntry> conversations,
        string?[] chats)
    {
        var (things, items, opened, bytes) = (new List<(int, int)>(), new List<byte[]>(), new HashSet<int>(), 0);
        while (items.Count < batch && waiting.TryPeek(out var next))
        {
            var (conversation, own) = (conversations[next.At].Conversation!, $"{run}-{conversations[next.At].Number}-{next.Message + 1}");
            if (next.Message >= 0 && chats[next.At] is null && !opened.Contains(next.At))
            {
                waiting.Dequeue();
                continue;
            }
            var item = next.Message < 0 ? Body.Item(conversation, $"c{next.At}", own)
                : opened.Contains(next.At) ? Body.Item(conversation.Messages[next.Message], "chatRef", $"c{next.At}", own)
                : Body.Item(conversation.Messages[next.Message], "chatId", chats[next.At]!, own);
            if (items.Count > 0 && bytes + item.Length > BatchBytes)
                break;
            bytes += item.Length;
            items.Add(item);
            things.Add(waiting.Dequeue());
            if (next.Message < 0)
                opened.Add(next.At);
        }
        return (things, items);
    }

    /// <summary>Lines that go together: as many as fill a batch, or one.</summary>
    private async IAsyncEnumerable<List<FileEntry>> Together(IAsyncEnumerable<FileEntry> lines)
    {
        var (together, items) = (new List<FileEntry>(), 0);
        await foreach (var line in lines)
        {
            together.Add(line);
            items += 1 + (line.Conversation?.Messages.Count ?? 0);
            if (items < batch)
                continue;
            yield return together;
            (together, items) = ([], 0);
        }
        if (together.Count > 0)
            yield return together;
    }

    // Refusals that every other line would get as well: it would be useless to repeat them a million times.
    private static string? Hopeless(Answer answer, bool isChat) => answer switch
    {
        { Outcome: Outcome.Unreachable } => $"no connection to the service: {answer.Reason}",
        { Problem.Status: 401 or 403 } => $"the key is not accepted: {answer.Problem}",
        { Problem.Status: 404 } when isChat => $"the key does not belong to an organization of this slug: {answer.Problem}",
        _ => null,
    };
}
