using System.Globalization;
using System.Text;
using System.Text.Json;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Tests.Features.Integrations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>A service with a low rate limit, and a database that it does not wait for.</summary>
public sealed class HastyApp : App
{
    public const int Burst = 5;

    private protected override string DatabaseDeadline => "00:00:03";

    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        [new("RateLimits:Ingest:PerSecond", "1"), new("RateLimits:Ingest:Burst", $"{Burst}")]);
}

/// <summary>
/// What should be sent again the routes of integrations answer with 429 or 503, with Retry-After: exporters of OpenTelemetry drop an export
/// that is answered otherwise. Who sends again doubles nothing.
/// </summary>
public class SendAgainTests(HastyApp app) : IClassFixture<HastyApp>
{
    public static TheoryData<string, string, int> Routes => new()
    {
        { "/v1/traces", "application/json", 200 },
        { "/v1/traces", "application/x-protobuf", 200 },
        { "/api/public/ingestion", "application/json", 207 },
        { "/v1/runs/ingest", "application/json", 200 },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_throttled_key_is_told_when_to_come_back(string path, string type, int status)
    {
        var acme = await app.Org("acme");
        var sender = app.Stranger.WithKey(await acme.Key());
        var body = Body(path, type, "Where is it?");
        app.Clock.Stop();
        for (var request = 0; request < HastyApp.Burst; request++)
            (await sender.Post($"{acme.ApiPath}/chats", "{}")).Is(201);

        var refused = (await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(429);
        app.Clock.Advance(RetryAfter(refused));

        (await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(status);
        await IsThereOnce(acme, "Where is it?");
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Without_memory_for_its_body_a_request_is_told_when_to_come_back(string path, string type, int status)
    {
        var acme = await app.Org("acme");
        var sender = app.Stranger.WithKey(await acme.Key());
        var text = new string('x', 2 * BodyMemoryBudget.CreateReservation);
        var body = Body(path, type, text);
        using (var others = new BodyMemoryBudget.Reservation(app.Services.GetRequiredService<BodyMemoryBudget>()))
        {
            var held = 0L;
            for (var more = 1L << 30; more > 0; more /= 2)
                held += others.TryGrow(held + more) ? more : 0;
            RetryAfter((await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(503));
        }

        (await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(status);
        await IsThereOnce(acme, text);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Without_its_database_the_service_says_when_to_come_back(string path, string type, int status)
    {
        var acme = await app.Org("acme");
        var sender = app.Stranger.WithKey(await acme.Key());
        (await sender.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        var body = Body(path, type, "Where is it?");
        var database = new NpgsqlConnectionStringBuilder(app.ConnectionString).Database;
        await Elsewhere($"alter database \"{database}\" with allow_connections false");
        try
        {
            await Elsewhere($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
            RetryAfter((await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(503));
        }
        finally
        {
            await Elsewhere($"alter database \"{database}\" with allow_connections true");
            // What these pools hold is broken, and the next test begins with them.
            app.Rows.Clear();
            app.Services.GetRequiredService<NpgsqlDataSource>().Clear();
            foreach (var pool in new[] { Pools.Plugins, Pools.Writing, Pools.Analytics, Pools.Exports })
                app.Services.GetRequiredKeyedService<NpgsqlDataSource>(pool).Clear();
        }

        (await sender.Send(HttpMethod.Post, path, OtlpExports.Content(body, type))).Is(status);
        await IsThereOnce(acme, "Where is it?");
    }

    private static TimeSpan RetryAfter(Answer refused)
    {
        var seconds = int.Parse(refused.Header("Retry-After")!, CultureInfo.InvariantCulture);
        Assert.InRange(seconds, 1, 60);
        return TimeSpan.FromSeconds(seconds);
    }

    private static async Task IsThereOnce(Org acme, string question)
    {
        var messages = await ReceiveTracesTests.Messages(acme, "s-1");
        Assert.Equal([$"user: {question}", "assistant: On its way."], ReceiveTracesTests.Said(messages));
        Assert.Equal(2, await acme.Count("messages"));
    }

    private async Task Elsewhere(string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(app.ConnectionString) { Database = "postgres", Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await new NpgsqlCommand(sql, connection).ExecuteNonQueryAsync();
    }

    /// <summary>A question and its answer, in the protocol of the route.</summary>
    private byte[] Body(string path, string type, string question)
    {
        var now = app.Clock.GetUtcNow();
        var time = now.ToString("O", CultureInfo.InvariantCulture);
        if (path == "/v1/traces")
        {
            var span = OtlpExports.Chat(OtlpExports.TraceId(), OtlpExports.SpanId(), now, "s-1", [question], "On its way.");
            return type == "application/json" ? Encoding.UTF8.GetBytes(OtlpExports.Export(span)) : OtlpExports.Protobuf(span);
        }
        return JsonSerializer.SerializeToUtf8Bytes<object>(path == "/v1/runs/ingest"
            ? new { events = new[] { Said("m-1", "user", question), Said("m-2", "assistant", "On its way.") } }
            : new
            {
                batch = new object[]
                {
                    new { id = "e-1", type = "trace-create", timestamp = time, body = new { id = "t-1", sessionId = "s-1" } },
                    new
                    {
                        id = "e-2",
                        type = "generation-create",
                        timestamp = time,
                        body = new
                        {
                            id = "g-1",
                            traceId = "t-1",
                            startTime = time,
                            endTime = time,
                            input = question,
                            output = "On its way.",
                        },
                    },
                },
            });

        object Said(string id, string role, string content) => new
        {
            type = "thread",
            @event = "chat",
            runId = id,
            parentRunId = "s-1",
            timestamp = now.ToUnixTimeMilliseconds(),
            message = new { role, content },
        };
    }
}
