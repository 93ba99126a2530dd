using ChatLogger.Http;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> AnalyticsMembers(Limits limits) => new()
    {
        // Analytics
        ["tz"] = new("The IANA time zone whose midnights cut the days; by default the organization's.")
        {
            MinLength = 1,
            MaxLength = 64,
            Example = "Europe/Amsterdam",
        },
        ["top"] = new("The length of `topUsers`.") { Minimum = 1, Maximum = limits.AnalyticsTop, Default = "10", Example = "10" },
        ["asOf"] = new("When it was counted."),
        ["totals"] = new("What the whole range came to."),
        ["previous"] = new("The same of the time just before, of the same length."),
        ["days"] = new("Every local day of the range, in order."),
        ["day"] = new("The local day: its date."),
        ["latency"] = new("How long answers took; null where no message has a latency."),
        ["roles"] = new("Messages by who speaks."),
        ["topUsers"] = new("The people with the most messages."),
        ["anonymous"] = new("What chats without a user of either kind came to."),
        ["SummaryResponse.tags"] = new("The 1,000 tags that are used most."),
        ["SummaryTagCount.tag"] = new("The tag."),
        ["models"] = new("The models of the messages."),
        ["SummaryModelCount.model"] = new("The model."),
        ["SummaryModelCount.promptTokens"] = new("Tokens that were read."),
        ["SummaryModelCount.completionTokens"] = new("Tokens that were written."),
        ["SummaryModelCount.cost"] = new("What its tokens cost by the organization's prices; null where it has no price."),
        ["SummaryTotals.cost"] = new("What the tokens of all models with a price cost; null where the organization has set no prices."),
        ["chats"] = new("Chats that were made."),
        ["messages"] = new("Messages."),
        ["tokens"] = new("Tokens: `tokenCount` of each message, or else `promptTokens` and `completionTokens`."),
        ["endUsers"] = new("Different `externalUserId`s."),
        ["SummaryTotals.promptTokens"] = new("Tokens that were read."),
        ["SummaryTotals.completionTokens"] = new("Tokens that were written."),
        ["feedbackUp"] = new("Ratings that are `up`."),
        ["feedbackDown"] = new("Ratings that are `down`."),
        ["count"] = new("How many values there are."),
        ["avgMs"] = new("The mean in milliseconds, rounded."),
        ["p50Ms"] = new("The median in milliseconds."),
        ["p90Ms"] = new("The 90th percentile in milliseconds."),
        ["p95Ms"] = new("The 95th percentile in milliseconds."),
        ["p99Ms"] = new("The 99th percentile in milliseconds."),
        ["maxMs"] = new("The largest value in milliseconds."),
        ["lastSeenAt"] = new("When they last said something."),
        ["withoutAssistant"] = new("Chats in which no assistant said anything."),
        ["withFeedback"] = new("Chats of which something was rated."),
        ["feedbackShare"] = new("Their share of all chats, from 0 to 1; null without chats."),
        ["messagesPerChat"] = new("How many messages a chat has; null without chats."),
        ["firstAssistant"] = new("How long the first answer of an assistant took; null without any."),
        ["duration"] = new("How long chats went on; null without any."),
        ["weekdays"] = new("Seven rows from Monday to Sunday."),
        ["ConversationsWeekday.day"] = new("The day of the week, from 1 (Monday) to 7."),
        ["hours"] = new("Messages in each of the 24 hours of the clock."),
        ["avg"] = new("The mean."),
        ["p50"] = new("The median."),
        ["p90"] = new("The 90th percentile."),
        ["p99"] = new("The 99th percentile."),
        ["max"] = new("The largest value."),

        // Service and problems
        ["LiveResponse.status"] = new("`live`."),
        ["ReadyResponse.status"] = new("`ready`."),
        ["VersionResponse.name"] = new("What runs: Chat Logger."),
        ["version"] = new("The version."),
        ["commit"] = new("The commit that it was built from; null where the build did not know it."),
        ["Problem.type"] = new("Which of the known reasons it is.") { Set = nameof(ProblemType) },
        ["Problem.title"] = new("The reason in words."),
        ["Problem.status"] = new("The status of the answer, or of the item."),
        ["detail"] = new("A sentence for the caller."),
        ["errors"] = new("With type `validation`: the path of each member or parameter that is wrong, and what is wrong with it."),
    };
}
