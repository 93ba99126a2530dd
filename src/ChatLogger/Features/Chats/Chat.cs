using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A chat, as every route that answers one chat shows it.</summary>
internal sealed record Chat(
    Guid Id,
    string? Title,
    string[] Tags,
    RawJsonObject Metadata,
    Guid? UserId,
    string? ExternalUserId,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    Feedback? Feedback)
{
    /// <summary>A chat as the database has it, beside its feedback.</summary>
    public sealed record Row(
        Guid Id, string? Title, string[] Tags, RawJsonObject Metadata, Guid? UserId, string? ExternalUserId, DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Chat ToChat() =>
            new(Id, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At));
    }
}

/// <summary>What an end user thought of a chat or a message: <c>up</c> or <c>down</c>.</summary>
internal sealed record Feedback(string Rating, string? Comment, DateTimeOffset At)
{
    /// <summary>From the columns of a left join: no rating, no feedback.</summary>
    public static Feedback? From(string? rating, string? comment, DateTimeOffset? at) =>
        rating is not null && at is { } time ? new(rating, comment, time) : null;
}
