namespace ChatLogger.ChangeFeed;

/// <summary>The name of a consumer of the change feed, whose lag is measured.</summary>
internal sealed record FeedConsumerName(string Value);
