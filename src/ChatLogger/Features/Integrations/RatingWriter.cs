using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>A rating that an integration has received: of an answer of an exchange, or of the conversation.</summary>
internal sealed record ForeignRating(string ConversationId, string? ExchangeId, bool IsUp, string? Comment, DateTimeOffset At);

/// <summary>Gives ratings that name what they rate by the ids of their sender.</summary>
internal sealed class RatingWriter(FeedbackWriter writer, StoredTranscripts transcripts, Limits limits, TimeProvider time)
{
    /// <summary>Gives the ratings and returns, for each, why it was refused; null: it is given.</summary>
    public async Task<ProblemException?[]> Write(PluginCaller caller, IReadOnlyList<ForeignRating> ratings, CancellationToken ct)
    {
        if (ratings.Count == 0)
            return [];
        var conversations = await transcripts.Find(caller.OrgId, ratings.Select(rating => rating.ConversationId), ct);
        var known = await transcripts.Read(caller.OrgId, [.. conversations.Values.Select(each => each.ChatId)], ct);
        var results = new ProblemException?[ratings.Count];
        var given = new List<(int At, NewFeedback Feedback)>();
        var now = time.GetUtcNow();
        for (var i = 0; i < ratings.Count; i++)
        {
            var rating = ratings[i];
            if (!conversations.TryGetValue(rating.ConversationId, out var conversation))
            {
                results[i] = ProblemException.NotFound("What is rated is not known in this organization.");
                continue;
            }
            var messageId = rating.ExchangeId is null
                ? null
                : known[conversation.ChatId].Find(message => message.Id is not null && message.ExchangeId == rating.ExchangeId).Id;
            given.Add((i, new(conversation.ChatId, messageId, new(
                rating.IsUp ? "up" : "down",
                caller.Policy.RedactComment(StorableText.OfOptional(rating.Comment).Beginning(limits.CommentLength)),
                rating.At < now ? rating.At : now), null)));
        }
        if (given.Count == 0)
            return results;
        var stored = await writer.Write(caller.OrgId, given.ConvertAll(each => each.Feedback), ct);
        for (var i = 0; i < given.Count; i++)
            results[given[i].At] = stored[i].Error;
        return results;
    }
}
