using System.Runtime.Versioning;
using System.Text;
using ChatLogger.Auth;
using ChatLogger.Configuration;

namespace ChatLogger.Tests.Telemetry;

/// <summary>The service exports by OTLP to the address in the standard settings.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OtlpTests : IAsyncLifetime
{
    private const string Secret = "0123456789abcdef0123456789abcdef";
    private const string Marker = "MARKER-of-what-was-said";
    private const string MessagesRoute = "/api/v1/orgs/{slug}/chats/{chatId}/messages";

    private readonly string _key = ApiKey.Generate().Text;
    private ProcessSandbox _here = null!;
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await TestServer.EmptyDatabase();
        _here = new ProcessSandbox();
    }

    public async Task DisposeAsync()
    {
        await _here.CleanUp();
        await TestServer.Drop(_database);
    }

    [Fact]
    public async Task A_request_is_a_span_with_its_route_and_status_metrics_and_lines_of_the_log_with_its_trace()
    {
        await using var collector = await Collector.Listen();
        var service = await Serve(
            $"OTEL_EXPORTER_OTLP_ENDPOINT={collector.Address}",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY=50",
            "OTEL_BLRP_SCHEDULE_DELAY=50",
            "OTEL_METRIC_EXPORT_INTERVAL=200",
            "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test");
        var plugin = service.Http.WithKey(_key);
        var chat = (await plugin.Post("/api/v1/orgs/acme/chats", new { title = Marker })).Is(201).Text("id");
        (await plugin.Post($"/api/v1/orgs/acme/chats/{chat}/messages", new { role = "user", content = Marker })).Is(201);
        (await service.Http.Get($"/orgs/me/chats?q={Marker}")).Is(401);
        var login = (await service.Http.Post("/auth/login", new { email = "nobody@acme.example", password = Marker })).Is(401);

        // The span of the request.
        var (scope, span) = await collector.Find(collector.Spans, each => each.Span.Text(5) == $"POST {MessagesRoute}");
        Assert.Equal("Microsoft.AspNetCore", scope);
        Assert.Equal(2UL, span.Number(6));
        var attributes = span.Attributes(9);
        Assert.Equal(MessagesRoute, attributes["http.route"]);
        Assert.Equal("201", attributes["http.response.status_code"]);
        Assert.Equal("POST", attributes["http.request.method"]);
        Assert.Equal($"/api/v1/orgs/acme/chats/{chat}/messages", attributes["url.path"]);
        var asked = (
            await collector.Find(collector.Spans, each => each.Span.Text(5).StartsWith("GET /orgs/{org}/chats", StringComparison.Ordinal))
        ).Span.Attributes(9);
        Assert.All(
            new[] { attributes, asked },
            each =>
                Assert.DoesNotContain(each.Keys, name => name is "url.query" or "user_agent.original" or "server.address" or "server.port")
        );

        // The commit that it waited for is a trace of its own; each leads to the other (links: 13, their trace and span: 1 and 2).
        var (_, commit) = await collector.Find(
            collector.Spans,
            each => each.Span.Text(5) == "commit single" && each.Span.All(13).Any(link => link.Hex(2) == span.Hex(2)));
        Assert.Equal("single", commit.Attributes(9)["chatlogger.writer"]);
        Assert.Equal("1", commit.Attributes(9)["chatlogger.commit.size"]);
        Assert.Equal((span.Hex(1), span.Hex(2)), commit.All(13).Select(link => (link.Hex(1), link.Hex(2))).Single());
        Assert.Equal((commit.Hex(1), commit.Hex(2)), span.All(13).Select(link => (link.Hex(1), link.Hex(2))).Single());
        Assert.NotEqual(span.Hex(1), commit.Hex(1));
        // The span of its query is its child.
        await collector.Find(collector.Spans, each => each.Scope == "Npgsql" && each.Span.Hex(4) == commit.Hex(2));

        // The line of the log, in the trace that the answer names.
        var (category, record) = await collector.Find(collector.Logs, each => each.Record.Hex(9) == login.Text("traceId"));
        Assert.Equal("ChatLogger.Security", category);
        Assert.StartsWith("login.refusal", record.All(5).Single().Any(), StringComparison.Ordinal);
        Assert.Equal("login.refusal", record.Attributes(6)["Action"]);

        // Metrics of every meter.
        foreach (
            var (meter, name, unit) in new[]
            {
                ("ChatLogger", "chatlogger.commit.duration", "s"),
                ("ChatLogger", "chatlogger.writer.queue.rows", "{row}"),
                ("Microsoft.AspNetCore.Hosting", "http.server.request.duration", "s"),
                ("Npgsql", "db.client.connection.count", "{connection}"),
                ("System.Runtime", "dotnet.gc.collections", "{collection}"),
            })
        {
            var (_, metric) = await collector.Find(collector.Metrics, each => each.Scope == meter && each.Metric.Text(1) == name);
            Assert.Equal(unit, metric.Text(3));
        }

        Assert.Equal(0, await service.Stop());
        Assert.All(collector.Resources, resource =>
        {
            Assert.Equal("chatlogger", resource["service.name"]);
            Assert.Equal(Product.Version, resource["service.version"]);
            Assert.Equal("test", resource["deployment.environment.name"]);
        });
        // The workers that look for something to do are no traces.
        Assert.DoesNotContain(collector.Spans, each => each.Scope == "Npgsql" && each.Span.Hex(4).Length == 0);
        var sent = string.Join('\n', collector.Bodies.Select(Encoding.Latin1.GetString));
        Assert.Contains("login.refusal", sent, StringComparison.Ordinal);
        Assert.All([Marker, _key, _key[21..], Secret], secret => Assert.DoesNotContain(secret, sent, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_500_is_an_error_span_and_an_unknown_path_is_named_by_its_method()
    {
        await using var collector = await Collector.Listen();
        var service = await Serve(
            $"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={collector.Address}/v1/traces",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY=50",
            "OTEL_SERVICE_NAME=our-chats");
        await using (var rows = Npgsql.NpgsqlDataSource.Create(_database))
        {
            await using var command = rows.CreateCommand("alter table chats rename to chats_elsewhere");
            await command.ExecuteNonQueryAsync();
        }
        (await service.Http.WithKey(_key).Post("/api/v1/orgs/acme/chats", new { })).Is(500);
        (await service.Http.Get("/nowhere/at/all")).Is(404);

        var failed = (await collector.Find(collector.Spans, each => each.Span.Text(5) == "POST /api/v1/orgs/{slug}/chats")).Span;
        Assert.Equal("500", failed.Attributes(9)["error.type"]);
        Assert.Equal(2UL, failed.All(15).Single().Number(3));
        var nowhere = (
            await collector.Find(collector.Spans, each => each.Span.Attributes(9).GetValueOrDefault("url.path") == "/nowhere/at/all")
        ).Span;
        Assert.Equal("GET", nowhere.Text(5));
        Assert.Equal("404", nowhere.Attributes(9)["http.response.status_code"]);
        Assert.DoesNotContain("http.route", nowhere.Attributes(9).Keys);
        Assert.Equal("our-chats", collector.Resources.First()["service.name"]);
        // Only one signal has an address; the others are not exported.
        Assert.Equal(0, await service.Stop());
        Assert.Empty(collector.Metrics);
        Assert.Empty(collector.Logs);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_collector_that_is_missing_or_never_answers_does_not_affect_requests(bool isThere)
    {
        await using var collector = await Collector.Listen(answers: false);
        var address = collector.Address;
        if (!isThere)
            await collector.DisposeAsync();
        var service = await Serve(
            $"OTEL_EXPORTER_OTLP_ENDPOINT={address}",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY=50",
            "OTEL_METRIC_EXPORT_INTERVAL=100");
        var plugin = service.Http.WithKey(_key);

        for (var i = 0; i < 20; i++)
            (await plugin.Post("/api/v1/orgs/acme/chats", new { })).Is(201);

        // Within the half minute that a service has for stopping: a supervisor does not wait longer.
        Assert.Equal(0, await service.Stop());
    }

    private Task<ServiceProcess> Serve(params string[] settings) => _here.Serve(
    [
        $"Session__Secret={Secret}", $"ConnectionStrings__ChatLogger={_database}",
        "Bootstrap__Organization__Slug=acme", "Bootstrap__Organization__Name=Acme", $"Bootstrap__ApiKey__Key={_key}", .. settings,
    ]);
}
