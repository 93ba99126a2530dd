using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>A service with short intervals, for which more than five messages are a large export.</summary>
public sealed class ExportApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Exports:SyncMessages"] = "5",
                ["Exports:SyncBytes"] = "65536",
                ["Exports:Poll"] = "00:00:00.050",
            });
}

internal static class ExportFixture
{
    public const string Path = "/exports/orgs/me";

    /// <summary>Waits until the export has ended, and downloads it.</summary>
    public static async Task<Answer> Ended(this Caller admin, string location)
    {
        Answer answer = null!;
        await Wait.Until(
            async () =>
            {
                answer = await admin.Get(location);
                Assert.True(answer.Status != 202 || answer.Header("Retry-After") is not null);
                return answer.Status != 202;
            },
            "The export has ended.");
        return answer;
    }

    /// <summary>Inserts a chat with long messages that do not compress directly into the database.</summary>
    public static async Task<string> LongChat(this Org org, int messages, int bytes)
    {
        var chat = await org.Chat();
        await org.App.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select @Id, @Chat::uuid, gen_random_uuid(), 'user', left((select string_agg(md5(random()::text || i || j), '')
                from generate_series(1, @Bytes / 32 + 1) j), @Bytes), now()
            from generate_series(1, @Messages) i
            """,
            new { org.Id, Chat = chat, Messages = messages, Bytes = bytes });
        return chat;
    }
}
