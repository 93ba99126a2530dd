using ChatLogger.Data;

namespace ChatLogger.Features;

/// <summary>A chat, as every route that returns one chat shows it.</summary>
internal sealed record Chat(
    Guid Id,
    string? ExternalId,
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
        Guid Id, string? ExternalId, string? Title, string[] Tags, RawJsonObject Metadata, Guid? UserId, string? ExternalUserId,
        DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string? Rating, string? Comment, DateTimeOffset? At)
    {
        public Chat ToChat() =>
            new(Id, ExternalId, Title, Tags, Metadata, UserId, ExternalUserId, CreatedAt, UpdatedAt, Feedback.From(Rating, Comment, At));
    }
}

/// <summary>
/// A chat that was there before a request that would have created it. A caller who may not read chats learns only its ids and when it was
/// created.
/// </summary>
internal sealed record ExistingChat(
    Guid Id,
    string? ExternalId,
    string? Title,
    string[] Tags,
    RawJsonObject Metadata,
    Guid? UserId,
    string? ExternalUserId,
    DateTimeOffset CreatedAt,
    DateTimeOffset? UpdatedAt,
    Feedback? Feedback)
{
    public static ExistingChat Of(Chat chat, bool mayRead) => mayRead
        ? new(
            chat.Id, chat.ExternalId, chat.Title, chat.Tags, chat.Metadata, chat.UserId, chat.ExternalUserId, chat.CreatedAt,
            chat.UpdatedAt, chat.Feedback)
        : new(chat.Id, chat.ExternalId, null, [], RawJsonObject.Empty, null, null, chat.CreatedAt, null, null);
}

/// <summary>The rating of a chat or a message by an end user: <c>up</c> or <c>down</c>.</summary>
internal sealed record Feedback(string Rating, string? Comment, DateTimeOffset At)
{
    /// <summary>Creates feedback from the columns of a left join; null if the rating is null.</summary>
    public static Feedback? From(string? rating, string? comment, DateTimeOffset? at) =>
        rating is not null && at is { } time ? new(rating, comment, time) : null;
}
