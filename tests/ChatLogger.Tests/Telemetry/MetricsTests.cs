using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.Configuration;

namespace ChatLogger.Tests.Telemetry;

/// <summary>The metrics of a service that is the only one in its process, as Prometheus reads them.</summary>
[UnsupportedOSPlatform("windows")]
public sealed partial class MetricsTests : IAsyncLifetime
{
    private const string Secret = "Session__Secret=0123456789abcdef0123456789abcdef";
    private const string Marker = "MARKER-of-what-was-said";

    private readonly string _key = ApiKey.Generate().Text;
    private ProcessSandbox _here = null!;
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await TestServer.NewDatabase();
        _here = new ProcessSandbox();
    }

    public async Task DisposeAsync()
    {
        await _here.CleanUp();
        await TestServer.Drop(_database);
    }

    [Fact]
    public async Task They_count_what_happened_at_an_address_of_their_own()
    {
        var service = await Serve("Telemetry__MetricsUrl=http://127.0.0.1:0");
        var plugin = service.Http.WithKey(_key);
        const string Api = "/api/v1/orgs/acme";

        var chat = (await plugin.Post($"{Api}/chats", new { title = Marker, externalUserId = Marker })).Is(201).Text("id");
        foreach (var replayed in new[] { null, "true", "true" })
        {
            var said = (
                await plugin.Send(
                    HttpMethod.Post,
                    $"{Api}/chats/{chat}/messages",
                    Caller.Json("""{"role":"user","content":"once"}"""u8.ToArray()),
                    request => request.Headers.Add("Idempotency-Key", "once"))
            ).Is(201);
            Assert.Equal(replayed, said.Header("Idempotent-Replayed"));
        }
        (await plugin.Post($"{Api}/chats/{Guid.CreateVersion7()}/messages", new { role = "user", content = Marker })).Is(404);
        (await plugin.Post($"{Api}/chats/{chat}/messages", new { role = Marker, content = Marker })).Is(400);
        (await service.Http.Post($"{Api}/chats", new { })).Is(401);
        var message = new { type = "message", chatId = chat, role = "user", content = Marker, idempotencyKey = "item" };
        (await plugin.Post($"{Api}/batch", new { items = new object[] { message, message, new { type = "chat", title = 7 } } })).Is(207);
        (await service.Http.Get($"/{Marker}")).Is(404);
        var read = await Scrape(service);

        Assert.Equal("counter", read.Families["chatlogger_replays_total"].Type);
        Assert.Equal(2, read.Value("chatlogger_replays_total", ("chatlogger_replayed", "message")));
        Assert.Equal(1, read.Value("chatlogger_replays_total", ("chatlogger_replayed", "item")));
        Assert.Equal(2, Refused("not-found", "request"));
        Assert.Equal(1, Refused("validation", "request"));
        Assert.Equal(1, Refused("unauthenticated", "request"));
        Assert.Equal(1, Refused("validation", "item"));
        Assert.Equal(2, read.Value("chatlogger_commit_size_sum", ("chatlogger_writer", "single")));
        Assert.Equal(1, read.Value("chatlogger_commit_size_sum", ("chatlogger_writer", "batch")));
        Assert.Equal(5, Commits("single"));
        Assert.Equal(5, read.Value("chatlogger_commit_size_count", ("chatlogger_writer", "single")));
        Assert.Equal(5, read.Value("chatlogger_commit_wait_seconds_count", ("chatlogger_writer", "single")));
        // All requests with the key except the first, which caused the look-up.
        Assert.Equal(1, read.Value("chatlogger_key_cache_lookups_total", ("chatlogger_cache_result", "miss")));
        Assert.Equal(6, read.Value("chatlogger_key_cache_lookups_total", ("chatlogger_cache_result", "hit")));
        Assert.Equal(0, read.Value("chatlogger_writer_queue_rows", ("chatlogger_writer", "batches")));
        Assert.Equal(0, read.Value("chatlogger_writer_queue_size_bytes", ("chatlogger_writer", "messages")));
        Assert.True(read.Value("db_client_connection_wait_time_seconds_count", ("db_client_connection_pool_name", "writing")) >= 6);
        Assert.Equal(15, read.Value("db_client_connection_max", ("db_client_connection_pool_name", "writing")));
        Assert.Equal(
            3,
            read.Value(
                "http_server_request_duration_seconds_count",
                ("http_route", "/api/v1/orgs/{slug}/chats/{chatId}/messages"),
                ("http_response_status_code", "201")));
        Assert.All(
            read.Families,
            family => Assert.False(string.IsNullOrEmpty(family.Value.Help), $"{family.Key} does not say what it is."));

        // No label identifies a person.
        var text = string.Join('\n', read.Samples.SelectMany(sample => sample.Labels.Select(label => $"{label.Key}={label.Value}")));
        Assert.All(
            ["acme", Marker, chat, _key, ApiKey.Parse(_key)!.PublicId],
            secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotMatch("[0-9a-f]{8}-[0-9a-f]{4}", text);

        double Refused(string problem, string what) =>
            read.Value("chatlogger_refusals_total", ("error_type", problem), ("chatlogger_refused", what));

        double Commits(string writer) => read.Value("chatlogger_commit_duration_seconds_count", ("chatlogger_writer", writer));
    }

    [Fact]
    public async Task Their_address_knows_nothing_else_and_the_service_s_own_knows_nothing_of_them()
    {
        var service = await Serve("Telemetry__MetricsUrl=http://127.0.0.1:0");
        var address = await Address(service);
        using var http = new HttpClient { BaseAddress = address };
        var metrics = new Caller(http);

        var there = (await metrics.Get("/metrics")).Is(200);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", there.Header("Content-Type"));
        Assert.Equal(1, Exposition.Read(there.Body).Value("chatlogger_build_info", ("version", Product.Version)));
        (await metrics.Post("/metrics")).Is(405);
        (await metrics.Get("/healthz/live")).Is(404);
        (await metrics.WithKey(_key).Post("/api/v1/orgs/acme/chats", new { })).Is(404);

        var here = (await service.Http.Get("/metrics")).Is(404);
        Assert.Equal(here.Comparable, (await service.Http.Get("/no-such-path")).Is(404).Comparable);
        (await service.Http.WithToken("").Get("/metrics")).Is(404);
        Assert.Equal(0, await service.Stop());
    }

    [Fact]
    public async Task The_age_of_the_oldest_waiting_export_is_a_metric()
    {
        var first = await Serve(
            "Exports__Workers=0",
            "Bootstrap__SuperAdmin__Email=root@example.com",
            "Bootstrap__SuperAdmin__Password=correct horse battery");
        var login = (await first.Http.Post("/auth/login", new { email = "root@example.com", password = "correct horse battery" })).Is(200);
        var root = first.Http.WithCookie(login.Header("Set-Cookie")!.Split(';')[0]);
        for (var i = 0; i < 2; i++)
            (await root.Post("/exports/orgs/acme", new { format = "jsonl", mode = "async" })).Is(202);
        Assert.Equal(0, await first.Stop());

        var service = await Serve("Exports__Workers=0", "Telemetry__MetricsUrl=http://127.0.0.1:0");
        var read = await Scrape(service);
        // A background service counts them, not the scrape.
        while (!read.Of("chatlogger_exports_pending").Any())
            read = await Scrape(service);

        Assert.Equal(2, read.Value("chatlogger_exports_pending", ("chatlogger_export_state", "queued")));
        Assert.Equal(0, read.Value("chatlogger_exports_pending", ("chatlogger_export_state", "running")));
        Assert.True(read.Value("chatlogger_exports_oldest_age_seconds") > 0);
    }

    [Fact]
    public async Task An_address_that_is_taken_refuses_the_start_and_names_the_setting()
    {
        var first = await Serve("Telemetry__MetricsUrl=http://127.0.0.1:0");
        var address = (await Address(first)).GetLeftPart(UriPartial.Authority);

        var second = _here.Start(
            [Secret, $"ConnectionStrings__ChatLogger={_database}", $"Telemetry__MetricsUrl={address}"],
            "--urls",
            "http://127.0.0.1:0");

        Assert.NotEqual(0, await second.Exit());
        Assert.Contains($"Cannot listen at {address} (Telemetry__MetricsUrl)", second.Errors, StringComparison.Ordinal);
    }

    private Task<ServiceProcess> Serve(params string[] settings) => _here.Serve(
    [
        Secret, $"ConnectionStrings__ChatLogger={_database}",
        "Bootstrap__Organization__Slug=acme", "Bootstrap__Organization__Name=Acme", $"Bootstrap__ApiKey__Key={_key}", .. settings,
    ]);

    private static async Task<Exposition> Scrape(ServiceProcess service)
    {
        using var http = new HttpClient();
        return Exposition.Read(await http.GetStringAsync(await Address(service)));
    }

    private static async Task<Uri> Address(ServiceProcess service) => new((await service.Line(Metrics())).Groups[1].Value);

    [GeneratedRegex("Metrics are at (http://[0-9.:]+/metrics)")]
    private static partial Regex Metrics();
}
