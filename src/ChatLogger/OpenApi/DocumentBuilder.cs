using System.Text.Json;
using System.Text.Json.Nodes;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ChatLogger.OpenApi;

/// <summary>
/// Builds the OpenAPI document. The framework finds the operations and creates schemas of the types; this class adds what it cannot know,
/// from the metadata of the endpoints, the configured limits, and the descriptions in <see cref="MemberTable"/>.
/// </summary>
internal sealed class DocumentBuilder
{
    /// <summary>The name under which the framework registers the document.</summary>
    public const string Name = "v1";

    /// <summary>The document is JSON with nosniff and never part of a page, so only what JSON requires is escaped.</summary>
    public static readonly JsonSerializerOptions Written = new() { Encoder = Json.Encoder, WriteIndented = false };

    private static readonly (string Name, string Description)[] Tags =
    [
        ("Plugin", "What a chat plugin writes, with its organization's API key."),
        ("Integrations", "What the SDKs of other services send, with an organization's API key."),
        ("Account", "Logging in and out, and a member's own account."),
        ("Organizations", "A member's own organization; for superadmins, all of them."),
        ("Chats", "Reading and writing chats as a member."),
        ("Analytics", "What an organization's conversations came to."),
        ("Exports", "Taking everything out, as files."),
        ("Webhooks", "Telling other services what happens, signed by Standard Webhooks."),
        ("API keys", "The keys that an organization's plugins have."),
        ("Members", "Who belongs to an organization, and what they may do."),
        ("Privacy", "What becomes of personal data: redaction."),
        ("Audit", "What was done and refused in an organization."),
        ("Service", "Whether the service runs, and which version."),
    ];

    private readonly IServiceProvider _services;
    private readonly SessionCookie _cookie;
    private readonly SchemaBuilder _schemas;
    private readonly OperationBuilder _operations;
    private readonly Lazy<Task<string>> _document;

    public DocumentBuilder(IServiceProvider services, SessionCookie cookie, SchemaBuilder schemas, OperationBuilder operations)
    {
        (_services, _cookie, _schemas, _operations) = (services, cookie, schemas, operations);
        _document = new(Build);
    }

    /// <summary>The document without its servers, which depend on the request. It is built on the first request and then cached.</summary>
    public Task<string> Document => _document.Value;

    private async Task<string> Build()
    {
        var made = await _services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        var source = JsonNode.Parse(await made.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1))!.AsObject();
        var components = source["components"]!.AsObject();
        var document = new JsonObject
        {
            ["openapi"] = source["openapi"]!.DeepClone(),
            ["info"] = Info(),
            ["servers"] = null,
            ["tags"] = new JsonArray([.. Tags.Select(tag => new JsonObject { ["name"] = tag.Name, ["description"] = tag.Description })]),
            ["paths"] = source["paths"]!.DeepClone(),
            ["components"] = new JsonObject
            {
                ["schemas"] = components["schemas"]!.DeepClone(),
                ["responses"] = new JsonObject(),
                ["headers"] = ResponseHeaders.All(),
                ["securitySchemes"] = SecuritySchemes(),
            },
        };
        _operations.Complete(document);
        _schemas.Complete(document);
        document["webhooks"] = WebhookOperations.All();
        return document.ToJsonString(Written);
    }

    private static JsonObject Info() => new()
    {
        ["title"] = "Chat Logger",
        ["version"] = Product.Version,
        ["description"] =
            """
            Logs what people and bots say to each other. A plugin writes with its organization's API key; members read with a session
            cookie.

            A 2xx is sent after the commit is durable, and the row is then in every read. Times are RFC 3339 in UTC with milliseconds; ids
            are UUIDv7 in lower case. In requests an absent member and null are the same; unknown, duplicate or wrongly typed members and
            parameters are refused. Answers may get new members: ignore those you do not know. Errors are `application/problem+json`
            (RFC 9457); `type` is one of a closed list. Where a path says `{org}`, members write `me`, superadmins an organization's slug.
            Paths are case-sensitive.
            """,
        ["license"] = new JsonObject { ["name"] = "MIT License", ["identifier"] = "MIT" },
    };

    private JsonObject SecuritySchemes() => new()
    {
        [OperationBuilder.KeyScheme] = new JsonObject
        {
            ["type"] = "apiKey",
            ["in"] = "header",
            ["name"] = AuthorizationMiddleware.KeyHeader,
            ["description"] = "An organization's API key.",
        },
        [OperationBuilder.BearerScheme] = new JsonObject
        {
            ["type"] = "http",
            ["scheme"] = "bearer",
            ["bearerFormat"] = "API key",
            ["description"] = "The same key in the header that many clients have a place for. In both headers at once it is refused.",
        },
        [OperationBuilder.CookieScheme] = new JsonObject
        {
            ["type"] = "apiKey",
            ["in"] = "cookie",
            ["name"] = _cookie.NameForPath(PathString.Empty),
            ["description"] = "A member's session, set by POST /auth/login.",
        },
    };
}
