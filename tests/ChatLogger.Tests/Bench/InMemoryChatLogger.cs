using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Bench;

/// <summary>The few routes the bench needs, over lists that a test may spoil.</summary>
internal sealed class InMemoryChatLogger : IAsyncDisposable
{
    public const string Slug = "acme";
    public const string Key = "clk_test";
    public const string Email = "ann@acme.example";
    public const string Password = "a long password";
    private const string Cookie = "__Host-chatlogger=a.b.c";

    private readonly WebApplication app;
    private int ids;

    private InMemoryChatLogger(WebApplication app) => this.app = app;

    public sealed record Chat(string Id, JsonObject Body, List<JsonObject> Messages);

    public ConcurrentDictionary<string, Chat> Chats { get; } = new();

    /// <summary>Looks at each POST before it is served; a result of its own is the answer.</summary>
    public Func<HttpContext, JsonObject, IResult?> Before { get; set; } = (_, _) => null;

    /// <summary>Looks at each item of a batch; a status of its own is its result.</summary>
    public Func<HttpContext, JsonObject, int?> BeforeItem { get; set; } = (_, _) => null;

    public ConcurrentDictionary<string, string> Keyed { get; } = new();

    public int PageSize { get; set; } = 2;

    public HttpClient Client() => new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(app.Urls.First()) };

    public Chat ChatOf(string conversationId) =>
        Chats.Values.Single(chat => (string?)chat.Body["metadata"]?["conversationId"] == conversationId);

    public static async Task<InMemoryChatLogger> Start(string address = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(address);
        builder.Logging.ClearProviders();
        var service = new InMemoryChatLogger(builder.Build());
        service.Map();
        await service.app.StartAsync();
        return service;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    public static IResult Refusal(int status, string type) =>
        Results.Json(new { type, title = "No.", status, detail = "Because." }, contentType: "application/problem+json", statusCode: status);

    private void Map()
    {
        app.MapPost(
            "/api/v1/orgs/{slug}/chats",
            (string slug, JsonObject body, HttpContext http) =>
                Plugin(
                    slug,
                    body,
                    http,
                    () =>
                    {
                        var chat = new Chat(NextId(), body, []);
                        Chats[chat.Id] = chat;
                        return Results.Json(Shape(chat), statusCode: 201);
                    }));
        app.MapPost(
            "/api/v1/orgs/{slug}/chats/{chatId}/messages",
            (string slug, string chatId, JsonObject body, HttpContext http) =>
                Plugin(
                    slug,
                    body,
                    http,
                    () =>
                    {
                        if (!Chats.TryGetValue(chatId, out var chat))
                            return Refusal(404, "not-found");
                        body["id"] = NextId();
                        chat.Messages.Add(body);
                        return Results.Json(body, statusCode: 201);
                    }));
        app.MapPost(
            "/api/v1/orgs/{slug}/batch",
            (string slug, JsonObject body, HttpContext http) =>
                Plugin(
                    slug,
                    body,
                    http,
                    () =>
                    {
                        var refs = new Dictionary<string, string>();
                        return Results.Json(
                            new
                            {
                                results = body["items"]!
                                    .AsArray()
                                    .Select((item, index) => Item(item!.AsObject(), index, refs, http))
                                    .ToArray(),
                            },
                            statusCode: 207);
                    }));
        app.MapPost(
            "/auth/login",
            (JsonObject body, HttpContext http) =>
            {
                if ((string?)body["email"] != Email || (string?)body["password"] != Password)
                    return Refusal(401, "unauthorized");
                http.Response.Headers.Append("Set-Cookie", "other=1; Path=/");
                http.Response.Headers.Append("Set-Cookie", $"{Cookie}; Path=/; Secure; HttpOnly; SameSite=Strict");
                return Results.Json(new { email = Email });
            });
        app.MapGet(
            "/orgs/me/chats",
            (int limit, string? cursor, HttpContext http) =>
                Page([.. Chats.Values.OrderByDescending(chat => chat.Id, StringComparer.Ordinal).Select(Shape)], limit, cursor, http));
        app.MapGet(
            "/orgs/me/chats/{chatId}/messages",
            (string chatId, int limit, string? cursor, HttpContext http) =>
                Chats.TryGetValue(chatId, out var chat) ? Page(chat.Messages, limit, cursor, http) : Refusal(404, "not-found"));
    }

    private object Item(JsonObject item, int index, Dictionary<string, string> refs, HttpContext http)
    {
        if (BeforeItem(http, item) is { } refused)
            return Result(refused, null);
        var known = Keyed.GetOrAdd((string)item["idempotencyKey"]!, _ =>
        {
            if ((string?)item["type"] == "chat")
            {
                var chat = new Chat(NextId(), item.DeepClone().AsObject(), []);
                Chats[chat.Id] = chat;
                return chat.Id;
            }
            var message = item.DeepClone().AsObject();
            var id = NextId();
            message["id"] = id;
            Chats[(string?)item["chatId"] ?? refs[(string)item["chatRef"]!]].Messages.Add(message);
            return id;
        });
        if ((string?)item["type"] == "chat")
            refs[(string)item["ref"]!] = known;
        return Result(201, known);

        object Result(int status, string? id) =>
            new
            {
                index,
                status,
                id,
                replayed = false,
                problem = id is null
                    ? new
                    {
                        type = "later",
                        status,
                        detail = "Because.",
                    }
                    : null,
            };
    }

    private IResult Plugin(string slug, JsonObject body, HttpContext http, Func<IResult> serve) =>
        http.Request.Headers["x-organization-api-key"] != Key ? Refusal(401, "unauthorized")
        : slug != Slug ? Refusal(404, "not-found")
        : Before(http, body) ?? serve();

    private IResult Page(List<JsonObject> all, int limit, string? cursor, HttpContext http)
    {
        if (http.Request.Headers.Cookie != Cookie)
            return Refusal(401, "unauthorized");
        var start = cursor is null ? 0 : int.Parse(cursor, CultureInfo.InvariantCulture);
        var size = Math.Min(limit, PageSize);
        return Results.Json(new
        {
            items = all.Skip(start).Take(size),
            nextCursor = start + size < all.Count ? (start + size).ToString(CultureInfo.InvariantCulture) : null,
        });
    }

    private static JsonObject Shape(Chat chat) => new()
    {
        ["id"] = chat.Id,
        ["title"] = chat.Body["title"]?.DeepClone(),
        ["tags"] = chat.Body["tags"]?.DeepClone() ?? new JsonArray(),
        ["metadata"] = chat.Body["metadata"]?.DeepClone() ?? new JsonObject(),
    };

    private string NextId() => Interlocked.Increment(ref ids).ToString("D8", CultureInfo.InvariantCulture);
}
