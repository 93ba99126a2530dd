using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Redaction;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>Validation rules for the fields of chats and messages.</summary>
internal static class ChatRules
{
    public static void Metadata<T>(this IRuleBuilder<T, RawJsonObject> rule, Limits limits) => rule
        .Must(metadata => metadata.Measured.Bytes <= limits.MetadataBytes)
        .WithMessage($"May have at most {limits.MetadataBytes} bytes.")
        .Must(metadata => metadata.Measured.Depth <= limits.MetadataDepth)
        .WithMessage($"May nest at most {limits.MetadataDepth} deep.")
        .Must(metadata => metadata.Measured.Keys <= limits.MetadataKeys)
        .WithMessage($"May have at most {limits.MetadataKeys} keys in all.")
        .Must(metadata => metadata.Measured.LongestKey <= limits.MetadataKeyLength)
        .WithMessage($"A key may have at most {limits.MetadataKeyLength} characters.")
        .Must(metadata => !metadata.Measured.HasDuplicateKey)
        .WithMessage("A key stands twice in the same object.")
        .Must(metadata => metadata.Measured.LongestNumber <= limits.MetadataNumberLength && !metadata.Measured.HasInfiniteNumber)
        .WithMessage($"A number must be a finite double of at most {limits.MetadataNumberLength} characters.");

    public static void Tags<T>(this IRuleBuilder<T, string[]> rule, Limits limits) => rule
        .Must(tags => tags.Length <= limits.Tags)
        .WithMessage($"May be at most {limits.Tags}.")
        .Must(tags => tags.All(tag => tag is { Length: > 0 } && Data.Text.Length(tag) <= limits.TagLength))
        .WithMessage($"Each must have 1 to {limits.TagLength} characters.")
        .Must(tags => tags.Distinct(StringComparer.Ordinal).Count() == tags.Length)
        .WithMessage("The same tag stands there twice.");

    // The schema holds these, and what is replaced may be shorter than what takes its place.
    private const int StoredTitle = 200, StoredComment = 2_000;

    public static string? RedactTitle(this OrganizationPolicy policy, string? title) =>
        policy.Redactor is { } redactor ? redactor.Redact(title, StoredTitle) : title;

    public static string? RedactComment(this OrganizationPolicy policy, string? comment) =>
        policy.Redactor is { } redactor ? redactor.Redact(comment, StoredComment) : comment;

    public static RawJsonObject? RedactMetadata(this OrganizationPolicy policy, RawJsonObject? metadata) =>
        metadata is not null && policy.Redactor is { RedactsMetadata: true } redactor ? redactor.Redact(metadata) : metadata;

    public const string RatingFilterSentence = "Must be one of: up, down, none.";

    /// <summary>Whether chats may be filtered by this rating: of the chat or of one of its messages; <c>none</c>: of neither.</summary>
    public static bool IsRatingFilter(string? rating) => rating is null or "up" or "down" or "none";

    /// <summary>The tags without leading and trailing spaces, as they are stored.</summary>
    public static string[] Trimmed(string[]? tags) => tags is null ? [] : Array.ConvertAll(tags, tag => tag?.Trim()!);
}
