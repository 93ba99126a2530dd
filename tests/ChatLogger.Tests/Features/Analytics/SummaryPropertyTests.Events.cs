using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace ChatLogger.Tests.Features.Analytics;

public partial class SummaryPropertyTests
{
    /// <summary>An event at some time before or after a change of the clocks.</summary>
    public sealed record GeneratedEvent(
        int Minutes,
        int Milliseconds,
        int Chat,
        int Role,
        int? Latency,
        int? Tokens,
        int? Prompt,
        int? Completion,
        int Rating);

    private static readonly Gen<GeneratedEvent> AnyEvent =
        from minutes in Gen.OneOf(Gen.Choose(-4 * 24 * 60, 4 * 24 * 60), Gen.Choose(-60, 60).Select(quarter => quarter * 15))
        from milliseconds in Gen.Elements(0, 0, 1, 59_999, -1)
        from chat in Gen.Choose(0, 7)
        from role in Gen.Choose(0, Roles.Length - 1)
        from latency in Gen.OneOf(
            Gen.Constant((int?)null),
            Gen.Choose(0, 40).Select(value => (int?)value),
            Gen.Choose(0, 86_400_000).Select(value => (int?)value))
        from tokens in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 10_000_000).Select(value => (int?)value))
        from prompt in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 1_000).Select(value => (int?)value))
        from completion in Gen.OneOf(Gen.Constant((int?)null), Gen.Choose(0, 1_000).Select(value => (int?)value))
        from rating in Gen.Choose(0, 9)
        select new GeneratedEvent(minutes, milliseconds, chat, role, latency, tokens, prompt, completion, rating);

    private static Recount.Chat[] Chats(GeneratedEvent[] events, DateTimeOffset change, Guid member) =>
        [
            .. events
                .GroupBy(each => each.Chat)
                .Select(chat => new Recount.Chat(
                    Guid.CreateVersion7(),
                    At(chat.First(), change).AddMilliseconds(-7),
                    [.. TagPool.Where((_, i) => (chat.Key >> (i % 3) & 1) == 1)],
                    chat.Key is 1 or 2 or 3 ? member : null,
                    chat.Key is 0 or 1 ? null
                        : chat.Key is 2 ? "Ünal"
                        : $"v-{chat.Key % 3}",
                    chat.Key == 7,
                    [
                        .. chat.Select(each => new Recount.Message(
                            At(each, change),
                            Roles[each.Role],
                            each.Latency,
                            each.Tokens,
                            each.Prompt,
                            each.Completion)),
                    ],
                    [
                        .. chat.Where(each => each.Rating < 3)
                            .Select(each => new Recount.Rating(At(each, change).AddMinutes(1), each.Rating == 0)),
                    ])),
        ];

    // Each row in a transaction of its own, as the service writes them, but all in one round trip.
    private async Task Insert(Guid org, IEnumerable<Recount.Chat> chats)
    {
        await using var batch = app.Rows.CreateBatch();
        batch.EnableErrorBarriers = true;
        foreach (var chat in chats)
        {
            Add(batch,
                "insert into chats (org_id, id, tags, user_id, external_user_id, created_at, updated_at, deleted_at) values ($1, $2, $3, "
                    + "$4, $5, $6, $6, $7)",
                org, chat.Id, chat.Tags, chat.UserId, chat.ExternalUserId, chat.At, chat.Deleted ? DateTimeOffset.UtcNow : null);
            foreach (var message in chat.Messages)
            {
                Add(batch,
                    "insert into messages (org_id, chat_id, id, role, content, created_at, latency_ms, token_count, prompt_tokens, "
                        + "completion_tokens) values ($1, $2, $3, $4, 'x', $5, $6, $7, $8, $9)",
                    org,
                    chat.Id,
                    Guid.CreateVersion7(),
                    message.Role,
                    message.At,
                    message.LatencyMs,
                    message.TokenCount,
                    message.PromptTokens,
                    message.CompletionTokens);
            }
            foreach (var rating in chat.Ratings)
            {
                Add(batch,
                    "insert into feedback (org_id, chat_id, target_id, rating, at) values ($1, $2, $3, $4, $5)",
                    org, chat.Id, Guid.CreateVersion7(), rating.Up ? "up" : "down", rating.At);
            }
        }
        if (batch.BatchCommands.Count > 0)
            await batch.ExecuteNonQueryAsync();
    }

    private static DateTimeOffset At(GeneratedEvent each, DateTimeOffset change) =>
        change.AddMinutes(each.Minutes).AddMilliseconds(each.Milliseconds);

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
