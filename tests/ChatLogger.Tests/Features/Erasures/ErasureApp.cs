using ChatLogger.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>A service that erases and purges often, in small steps, and keeps exports in files.</summary>
public class ErasureApp : App
{
    internal string Exports { get; } = Directory.CreateTempSubdirectory("chatlogger-exports").FullName;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(Exports, recursive: true);
    }

    internal T Job<T>()
        where T : PeriodicJob => Services.GetRequiredService<T>();

    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        new Dictionary<string, string?>
        {
            ["Erasure:Interval"] = "00:00:00.100",
            ["Erasure:BatchChats"] = "2",
            ["Purge:Interval"] = "00:00:00.100",
            ["Exports:Directory"] = Exports,
            ["Exports:Poll"] = "00:00:00.050",
            // What waits for files to be removed wakes the cleanup.
            ["Exports:Sweep"] = "01:00:00",
            ["Search:MinBatch"] = "1",
            ["Search:MaxIndexDelay"] = "00:00:00",
            ["Webhooks:AllowPrivateTargets"] = "true",
            ["Webhooks:PollInterval"] = "00:00:00.020",
        });
}

/// <summary>The same, where tests run what erases and what purges themselves.</summary>
public sealed class HaltedErasureApp : ErasureApp
{
    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Erasure:Interval"] = "00:10:00",
                ["Purge:Interval"] = "01:00:00",
            });
    }
}

internal static class ErasureFixture
{
    public const string Path = "/orgs/me/erasures";

    public static async Task<Answer> Erase(this Caller admin, string externalUserId) =>
        (await admin.Post(Path, new { externalUserId })).Is(202);

    /// <summary>Waits until the erasure is done, and answers with it.</summary>
    public static async Task<Answer> Done(this App app, Caller admin, Answer erasure)
    {
        await app.Until("select state = 'done' from erasures where id = @Id::uuid", new { Id = erasure.Text("id") });
        return (await admin.Get($"{Path}/{erasure.Text("id")}")).Is(200);
    }

    public static long[] Counts(this Answer erasure) =>
        [.. new[] { "chats", "messages", "feedback", "exports" }.Select(name => erasure[name].GetInt64())];

    public static async Task<List<string?>> Listed(this Caller admin, string query = "") =>
    [
        .. (await admin.Get($"/orgs/me/chats{query}")).Is(200)["items"].EnumerateArray()
            .Select(each => each.GetProperty("id").GetString()),
    ];
}
