using ChatLogger.Tests.Features.Integrations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>The service with a small batch capacity, and low rate limits.</summary>
public class NarrowBatchApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Ingest:BatchQueueRows"] = "10",
                ["RateLimits:Ingest:PerSecond"] = "1",
                ["RateLimits:Ingest:Burst"] = "3",
                ["Ingest:FlushRows"] = "3",
            });
}

public class FullBatchTests(NarrowBatchApp app) : IClassFixture<NarrowBatchApp>
{
    [Fact]
    public async Task A_batch_beyond_the_queue_capacity_is_refused_as_a_whole_and_one_that_fits_counts_as_one_request()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        app.Clock.Stop();
        string Items(int count) => $"{{\"items\":[{string.Join(',', Enumerable.Range(0, count).Select(i =>
            i == 0 ? """{"type":"chat","ref":"a"}""" : $$"""{"type":"message","chatRef":"a","role":"user","content":"{{i}}"}"""))}]}}";

        var refused = await plugin.Post($"{acme.ApiPath}/batch", Items(11));
        Assert.NotNull(refused.IsProblem(503, "unavailable").Header("Retry-After"));
        Assert.Equal(0, await acme.Count("chats"));

        // Of many statements, in order; and each row releases its capacity.
        (await plugin.Post($"{acme.ApiPath}/batch", Items(10))).Is(207);
        (await plugin.Post($"{acme.ApiPath}/batch", Items(10))).Is(207);
        Assert.Equal(18, await acme.Count("messages"));
        Assert.Equal(
            2,
            await app.Value<long>(
                "select count(*) from (select from messages where org_id = @Id group by chat_id having string_agg(content, '' order by "
                    + "seq) = '123456789') m",
                new { acme.Id }));
        (await plugin.Post($"{acme.ApiPath}/batch", Items(1))).IsProblem(429, "throttled");
    }

    [Fact]
    public async Task Of_a_conversation_nothing_is_written_that_follows_what_could_not_be_written()
    {
        var acme = await app.Org("acme");
        var (trace, start) = (OtlpExports.TraceId(), DateTimeOffset.UtcNow.AddMinutes(-30));
        // More than the queue takes, and what comes after it.
        string[] parts = [.. Enumerable.Range(0, 11).Select(part => $"part {part}")];
        var export = OtlpExports.Export(
            OtlpExports.Chat(trace, OtlpExports.SpanId(), start, "s", parts, null),
            OtlpExports.Chat(trace, OtlpExports.SpanId(), start.AddMinutes(1), "s", ["next"], "answer"));

        Assert.NotNull((await (await acme.Plugin()).Post("/v1/traces", export)).Is(503).Header("Retry-After"));

        Assert.Equal((1, 0), (await acme.Count("chats"), await acme.Count("messages")));
    }
}
