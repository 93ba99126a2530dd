using ChatLogger.Bench.Http;

namespace ChatLogger.Bench;

/// <summary>
/// Logs every conversation of a file as one chat. Messages of a conversation go one after the other, as their order is the order of
/// arrival; conversations go side by side.
/// </summary>
internal sealed class Loader(HttpClient http, string slug, string key, int connections = 8, Patience? patience = null)
{
    private readonly Patience patience = patience ?? new Patience(TimeProvider.System);

    /// <summary>The token stops the load after the requests that are on their way; what they brought is in the report.</summary>
    public async Task<LoadReport> Load(ConversationFile file, IProgress<Status>? progress = null, CancellationToken stop = default)
    {
        var report = new LoadReport();
        var door = new PluginDoor(http, slug, key, patience);
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var options = new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = halt.Token };
        try
        {
            await Parallel.ForEachAsync(file.Read(halt.Token), options, async (line, _) =>
            {
                if (line.Conversation is { } conversation)
                    await Log(conversation);
                else
                    report.AddMalformed(line);
            });
        }
        catch (OperationCanceledException) when (halt.IsCancellationRequested)
        {
            report.Stopped ??= "interrupted";
        }
        report.Finish(patience.Retries);
        return report;

        async Task Log(Conversation conversation)
        {
            var chat = await door.CreateChat(Body.Of(conversation), halt.Token);
            Note(chat, $"line {conversation.Line}, chat", isChat: true);
            var acknowledged = 0;
            var sent = 0;
            while (chat.Outcome == Outcome.Acknowledged && sent < conversation.Messages.Count && !halt.IsCancellationRequested)
            {
                var message = conversation.Messages[sent];
                var answer = await door.AddMessage(chat.Id, Body.Of(message), halt.Token);
                Note(answer, $"line {conversation.Line}, message {sent}", isChat: false);
                sent++;
                if (answer.Outcome == Outcome.Acknowledged)
                {
                    acknowledged++;
                    report.AddMessage(message);
                    progress?.Report(report.Status(file.Fraction));
                }
            }
            report.AddConversation(chat.Outcome == Outcome.Acknowledged && acknowledged == conversation.Messages.Count, conversation.Messages.Count - sent);
            progress?.Report(report.Status(file.Fraction));
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

    // Refusals that every other line would get as well; a million of them help nobody.
    private static string? Hopeless(Answer answer, bool isChat) => answer switch
    {
        { Outcome: Outcome.Unreachable } => $"no connection to the service: {answer.Reason}",
        { Problem.Status: 401 or 403 } => $"the key is not accepted: {answer.Problem}",
        { Problem.Status: 404 } when isChat => $"the key does not belong to an organization of this slug: {answer.Problem}",
        _ => null,
    };
}
