using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ChatLogger.Auth;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ChatLogger.Http;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c> and the page that shows it at <c>/docs</c>.</summary>
internal static partial class Documentation
{
    private const string DocumentPath = "/openapi/v1.json";
    private const string PagePath = "/docs";
    private const string KeyScheme = "apiKey";
    private const string CookieScheme = "session";

    public static void Add(IServiceCollection services, SessionCookie cookie) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            Describe(document, cookie);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(Describe);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Describe(schema, context.JsonTypeInfo.Type);
            return Task.CompletedTask;
        });
        options.CreateSchemaReferenceId = type => SchemaName(type.Type) ?? OpenApiOptions.CreateDefaultSchemaReferenceId(type);
    });

    public static void Map(IEndpointRouteBuilder open)
    {
        open.MapOpenApi(DocumentPath).ExcludeFromDescription();
    }

    /// <summary>The page, and a policy that lets it load its own scripts.</summary>
    public static void UsePage(WebApplication app)
    {
        // Every request would pass through it otherwise.
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments(PagePath),
            page =>
            {
                page.Use((context, next) =>
                {
                    context.Response.Headers.ContentSecurityPolicy =
                        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";
                    context.Response.Headers.CacheControl = "no-cache";
                    return next(context);
                });
                page.UseSwaggerUI(options =>
                {
                    options.RoutePrefix = PagePath.TrimStart('/');
                    options.DocumentTitle = "Chat Logger";
                    options.SwaggerEndpoint(DocumentPath, "Chat Logger v1");
                });
            });
    }

    private static void Describe(OpenApiDocument document, SessionCookie cookie)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Chat Logger",
            Version = Features.Version.Current.Version,
            License = new OpenApiLicense { Name = "MIT" },
            Description =
                """
                Logs what people and bots say to each other. A plugin writes with its organization's API key; members read with a session cookie.

                A 2xx is sent after the commit is durable, and the row is then in every read. Times are RFC 3339 in UTC with milliseconds; ids are
                UUIDv7 in lower case. In requests an absent member and null are the same; unknown, duplicate or wrongly typed members and
                parameters are refused. Errors are `application/problem+json` (RFC 9457); `type` is one of a closed list. Where a path says
                `{org}`, members write `me`, superadmins an organization's slug.
                """,
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = Gate.KeyHeader,
                Description = "An organization's API key.",
            },
            [CookieScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Cookie,
                Name = cookie.Name,
                Description = "Set by POST /auth/login.",
            },
        };
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas["Problem"] = ProblemSchema();
        document.RegisterComponents();
    }

    // Every slice has a Request and a Response; in the document they are told apart by the slice.
    private static string? SchemaName(Type type)
    {
        if (type == typeof(Problem))
            return nameof(Problem);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Page<>))
            return $"{SchemaName(type.GenericTypeArguments[0]) ?? type.GenericTypeArguments[0].Name}Page";
        return type is { IsNested: true, DeclaringType: { } slice } ? slice.Name + type.Name : null;
    }

    private static async Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var access = metadata.OfType<Access>().Last();

        // The name of a slice that has two routes is one of them's; the other brings its own.
        if (operation.OperationId is null && metadata.OfType<MethodInfo>().FirstOrDefault()?.DeclaringType?.DeclaringType is { } slice)
            operation.OperationId = (context.Description.HttpMethod == "HEAD" ? "head" : "") + slice.Name;

        var path = context.Description.RelativePath ?? "";
        operation.Parameters = [.. PathParameters(path, access.Door)];
        if (metadata.OfType<QueryShape>().FirstOrDefault() is { } query)
        {
            foreach (var property in Json.Options.GetTypeInfo(query.Type).Properties)
            {
                var isInteger = Nullable.GetUnderlyingType(property.PropertyType) == typeof(int);
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = property.Name,
                    In = ParameterLocation.Query,
                    Schema = new OpenApiSchema
                    {
                        Type = isInteger ? JsonSchemaType.Integer : JsonSchemaType.String,
                        Minimum = isInteger ? "1" : null,
                        Maximum = isInteger ? Page.MostLimit.ToString(CultureInfo.InvariantCulture) : null,
                    },
                });
            }
        }

        var once = metadata.OfType<IdempotencyKeyShape>().Any();
        if (once)
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = IdempotencyKey.Header,
                In = ParameterLocation.Header,
                Description = "A name of your own for this request: 1 to 255 printable characters of ASCII, bare or between double quotes. For 24 hours the same "
                    + "key with the same body is answered with what the first one made, and the header Idempotent-Replayed: true.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }

        operation.Description = $"{operation.Description} Who may call it: {access.Policy}.".TrimStart();
        var document = context.Document!;
        operation.Security = access.Door switch
        {
            Door.Plugin => [new() { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] }],
            Door.Session or Door.Organization => [new() { [new OpenApiSecuritySchemeReference(CookieScheme, document)] = [] }],
            _ => [],
        };

        var inPath = path.Contains('{', StringComparison.Ordinal);
        var hasBody = operation.RequestBody is not null;
        SortedSet<int> statuses =
        [
            .. access.Door != Door.Open || hasBody ? [400] : Array.Empty<int>(),
            .. access.Door != Door.Open || path == "auth/login" ? [401] : Array.Empty<int>(),
            .. access.Door != Door.Open ? [403] : Array.Empty<int>(),
            .. inPath ? [404] : Array.Empty<int>(),
            .. access.Door == Door.Organization || (access.Door == Door.Session && hasBody) || once ? [409] : Array.Empty<int>(),
            .. hasBody ? [413, 415] : Array.Empty<int>(),
            .. once ? [422] : Array.Empty<int>(),
            .. access.Door != Door.Open || path == "auth/login" ? [429] : Array.Empty<int>(),
            503,
            .. metadata.OfType<Refuses>().SelectMany(refuses => refuses.Statuses),
        ];
        operation.Responses ??= [];
        foreach (var status in statuses)
        {
            operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
            {
                Description = string.Join("; ", ProblemType.All.Where(type => type.Status == status).Select(type => $"{type.Title} ({type.Slug})")),
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference("Problem", document) },
                },
            };
        }
        if (metadata.OfType<ItemShapes>().FirstOrDefault() is { } items)
            await Describe(operation, items, context, ct);
    }

    // The body that is read item by item: each is one of these, and its type says which.
    private static async Task Describe(OpenApiOperation operation, ItemShapes items, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var shapes = new List<IOpenApiSchema>();
        foreach (var (kind, type) in items.Types)
        {
            var name = SchemaName(type)!;
            var shape = await context.GetOrCreateSchemaAsync(type, null, ct);
            shape.Properties!["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [kind] };
            shape.Required = new HashSet<string>(shape.Required ?? new HashSet<string>()) { "type" };
            context.Document!.AddComponent(name, shape);
            shapes.Add(new OpenApiSchemaReference(name, context.Document));
        }
        operation.RequestBody!.Content!["application/json"] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { items.List },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    [items.List] = new OpenApiSchema { Type = JsonSchemaType.Array, MinItems = 1, Items = new OpenApiSchema { OneOf = shapes } },
                },
            },
        };
    }

    private static IEnumerable<OpenApiParameter> PathParameters(string path, Door door)
    {
        foreach (Match name in PathParameter().Matches(path))
        {
            var isId = name.Groups[1].Value.EndsWith("Id", StringComparison.Ordinal);
            yield return new OpenApiParameter
            {
                Name = name.Groups[1].Value,
                In = ParameterLocation.Path,
                Required = true,
                Description = name.Groups[1].Value switch
                {
                    "slug" => door == Door.Plugin ? "The slug of the key's organization." : "The slug of an organization.",
                    "org" => "me; or, for superadmins, the slug of an organization.",
                    _ => null,
                },
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = isId ? "uuid" : null },
            };
        }
    }

    [GeneratedRegex("\\{(\\w+)\\}")]
    private static partial Regex PathParameter();

    private static void Describe(OpenApiSchema schema, Type type)
    {
        // These are written by converters of our own, which say nothing of their JSON.
        if ((Nullable.GetUnderlyingType(type) ?? type) == typeof(Guid) || (Nullable.GetUnderlyingType(type) ?? type) == typeof(DateTimeOffset))
            schema.Type = JsonSchemaType.String | (Nullable.GetUnderlyingType(type) is null ? 0 : JsonSchemaType.Null);
        if (type == typeof(JsonObjectText))
        {
            schema.Type = JsonSchemaType.Object;
            schema.Properties?.Clear();
            schema.Required?.Clear();
            schema.AdditionalPropertiesAllowed = true;
            schema.Description = "A JSON object of your own. It comes back JSON-equal.";
        }
    }

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "RFC 9457.",
        Required = new HashSet<string> { "type", "title", "status", "detail", "traceId" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. ProblemType.All.Select(type => (JsonNode)type.Slug)] },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "A sentence for the caller." },
            ["traceId"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Finds the request in the operator's log." },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "With type validation: path of the member, and what is wrong with it.",
                AdditionalProperties = new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = new OpenApiSchema { Type = JsonSchemaType.String },
                },
            },
        },
    };
}

/// <summary>Statuses of refusals that are an endpoint's own, beside those that its door, path and body bring with them.</summary>
internal sealed class Refuses(params int[] statuses)
{
    public IReadOnlyList<int> Statuses => statuses;
}
