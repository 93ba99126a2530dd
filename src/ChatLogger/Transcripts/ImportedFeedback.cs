namespace ChatLogger.Transcripts;

/// <summary>The rating <c>up</c> or <c>down</c> of a chat or a message.</summary>
internal sealed record ImportedFeedback(string Rating, string? Comment, DateTimeOffset? At);
