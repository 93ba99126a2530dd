using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A chat, as every route that returns one chat shows it.</summary>
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
    /// <summary>A row of the database: a chat joined with its feedback.</summary>
    public sealed record Row(
        Guid Id, string? Title, string[] Tags, RawJsonObject Metadata, Guid? UserId, string? ExternalUserId, DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Chat ToChat() =>
            new(Id, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At));
    }
}

/// <summary>The rating of a chat or a message by an end user: <c>up</c> or <c>down</c>.</summary>
internal sealed record Feedback(string Rating, string? Comment, DateTimeOffset At)
{
    /// <summary>Creates feedback from the columns of a left join; null if the rating is null.</summary>
    public static Feedback? From(string? rating, string? comment, DateTimeOffset? at) =>
        rating is not null && at is { } time ? new(rating, comment, time) : null;
}
