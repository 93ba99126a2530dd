using ChatLogger.SearchIndex;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Search;

/// <summary>A service without background indexing: tests index explicitly.</summary>
public class SearchApp : App
{
    /// <summary>Indexes all messages, and waits for other transactions on the server that delay it.</summary>
    internal async Task Index()
    {
        do
        {
            await IndexSettled();
        } while (
            await Value<bool>(
                """
                select exists (
                    select 1
                    from messages m
                    left join followers f on f.org_id = m.org_id and f.follower = 'search_index'
                    where m.seq > coalesce(f.seq, -1)
                ) or exists (
                    select 1
                    from chats c
                    left join followers f on f.org_id = c.org_id and f.follower = 'search_index'
                    where greatest(c.seq, c.text_seq) > coalesce(f.seq, -1)
                )
                """));
    }

    /// <summary>Indexes everything that is committed.</summary>
    internal async Task IndexSettled()
    {
        var indexer = Services.GetRequiredService<SearchIndexer>();
        await indexer.CatchUp(CancellationToken.None);
        await indexer.Run(CancellationToken.None);
    }

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Search:PollInterval"] = "00:01:00",
            ["Search:MinBatch"] = "100000",
            ["Search:MaxIndexDelay"] = "01:00:00",
            ["Search:YieldFactor"] = "0",
            // The aggregation scans ranges of messages; this test watches only the search.
            ["Feed:PollInterval"] = "01:00:00",
        });
}

/// <summary>The same service with the lowest limits: pages are short, and no chat is missing.</summary>
public class ShortTimeoutSearchApp : SearchApp
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Search:MaxUnindexedMessages"] = "3",
            ["Search:MaxScannedChats"] = "1",
            ["Search:MaxComparedMessages"] = "1",
            ["Search:BatchRows"] = "2",
            ["Search:IndexTimeout"] = "00:00:00.001",
            ["Search:PageTimeout"] = "00:00:00.001",
        });
    }
}

/// <summary>Searches as a member does.</summary>
internal static class SearchExtensions
{
    /// <summary>The ids of the chats found, page after page.</summary>
    public static async Task<IReadOnlyList<string>> Search(this Caller caller, string q, int limit = 50, string org = "me")
    {
        var found = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var page = (await caller.Get($"/orgs/{org}/chats?limit={limit}&q={Uri.EscapeDataString(q)}{cursor}")).Is(200);
            found.AddRange(page["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page["nextCursor"].GetString() is { } next ? $"&cursor={next}" : null;
        }
        return found;
    }
}
