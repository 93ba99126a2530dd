using System.Text.Json;
using ChatLogger.Bench.Http;
using ChatLogger.Import;

namespace ChatLogger.Bench;

/// <summary>
/// Compares what an organization's chats hold with the file they were loaded from. The chats are listed once and kept by conversation id;
/// file and messages stream past them.
/// </summary>
internal sealed class Verifier(DashboardClient client, int connections = 8)
{
    // Keeps only the compared fields of a chat and not the whole response: an organization may have very many.
    private sealed record ListedChat(string Id, string Title, string Tags, string Metadata);

    public async Task<VerifyReport> Verify(ConversationFile file, IProgress<Status>? progress = null, CancellationToken stop = default)
    {
        var report = new VerifyReport();
        var lines = new Dictionary<string, long>();
        long listed = 0;
        long matched = 0;
        try
        {
            var chats = await List();
            var options = new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = stop };
            await Parallel.ForEachAsync(Once(), options, async (line, halt) => await Compare(line, chats, halt));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            report.Stopped = "interrupted";
        }
        catch (Exception e) when (e is SessionEndedException or ServiceException or HttpRequestException or TaskCanceledException)
        {
            report.Stopped = e.Message;
        }
        report.Finish(listed - matched, client.PagesRead);
        return report;

        async Task<Dictionary<string, List<ListedChat>>> List()
        {
            var chats = new Dictionary<string, List<ListedChat>>();
            await foreach (var chat in client.Chats(stop))
            {
                listed++;
                if (ConversationId(chat) is { } id)
                {
                    if (!chats.TryGetValue(id, out var same))
                        chats.Add(id, same = []);
                    same.Add(Listed(chat));
                }
                progress?.Report(new Status("Listing", listed, 0, null));
            }
            return chats;
        }

        // The conversations of the file, each for the first time: a second line of the same id has no chat it could be told apart by.
        async IAsyncEnumerable<FileEntry> Once()
        {
            await foreach (var line in file.Read(stop))
            {
                if (line.Conversation is not { } conversation)
                    report.AddMalformed(line);
                else if (!lines.TryAdd(conversation.Id!, line.Number))
                    report.Add(new Difference(Kind.Doubled, line.Number, conversation.Id!, null,
                        "conversation in the file itself", $"as on line {lines[conversation.Id!]}"));
                else
                    yield return line;
            }
        }

        async Task Compare(FileEntry line, Dictionary<string, List<ListedChat>> chats, CancellationToken halt)
        {
            var conversation = line.Conversation!;
            var copies = chats.GetValueOrDefault(conversation.Id!, []);
            Interlocked.Add(ref matched, copies.Count);
            if (copies.Count == 0)
                Add(Kind.Missing, "conversation", $"with {conversation.Messages.Count} messages");
            foreach (var copy in copies.Skip(1))
                Add(
                    Kind.Doubled,
                    "conversation",
                    copy.Id == copies[0].Id ? $"chat {copy.Id} listed again" : $"chats {copies[0].Id} and {copy.Id}");

            foreach (var copy in copies.DistinctBy(copy => copy.Id))
            {
                CompareChat(copy);
                try
                {
                    var stored = new List<Entry>();
                    await foreach (var message in client.Messages(copy.Id, halt))
                        stored.Add(Entry.Of(message));
                    Transcript.Compare(line, stored).ForEach(report.Add);
                    report.AddMessages(stored.Count);
                }
                catch (ServiceException e)
                {
                    Add(Kind.Unreadable, "messages", e.Message);
                }
                catch (InvalidOperationException)
                {
                    Add(Kind.Unreadable, "messages", "half a surrogate pair in a string");
                }
            }
            if (copies.Count > 0)
                report.AddConversation();
            progress?.Report(report.Status(file.Fraction));

            void CompareChat(ListedChat found)
            {
                var expected = Listed(JsonElement.Parse(Body.Of(conversation)));
                if (expected.Title != found.Title)
                    Add(Kind.Different, "title", Difference.Between(expected.Title, found.Title));
                if (expected.Tags != found.Tags)
                    Add(Kind.Different, "tags", Difference.Between(expected.Tags, found.Tags));
                if (expected.Metadata != found.Metadata)
                    Add(Kind.Different, "metadata", Difference.Between(expected.Metadata, found.Metadata));
            }

            void Add(Kind kind, string field, string detail) =>
                report.Add(new Difference(kind, line.Number, conversation.Id!, null, field, detail));
        }
    }

    private static string? ConversationId(JsonElement chat) =>
        chat.TryGetProperty("metadata", out var metadata) ? Problem.Text(metadata, "conversationId") : null;

    // Works for the sent body as well: members that it lacks are empty in the response.
    private static ListedChat Listed(JsonElement chat)
    {
        chat.TryGetProperty("tags", out var tags);
        chat.TryGetProperty("metadata", out var metadata);
        try
        {
            return new ListedChat(Problem.Text(chat, "id") ?? "", Problem.Text(chat, "title") ?? "",
                tags.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? "[]" : JsonEquality.Canonical(tags),
                JsonEquality.CanonicalMetadata(metadata));
        }
        catch (InvalidOperationException)
        {
            throw new ServiceException("A chat holds half a surrogate pair.");
        }
    }
}
