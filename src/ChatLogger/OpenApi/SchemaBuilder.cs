using System.Text.Json.Nodes;
using ChatLogger.Data;
using ChatLogger.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ChatLogger.OpenApi;

/// <summary>Completes the schemas that the framework creates from the types.</summary>
internal sealed class SchemaBuilder(MemberTable members, Limits limits)
{
    private const string References = "#/components/schemas/";
    private const string Item = "BatchItem";
    private const string Metadata = "Metadata";

    /// <summary>Every slice has a Request and a Response; their schema names begin with the slice's name.</summary>
    public static string? Name(Type type)
    {
        if (type == typeof(ProblemException))
            return "Problem";
        if (type == typeof(RawJsonObject))
            return Metadata;
        if (type == typeof(RawJsonArray))
            return "Array";
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Page<>))
            return $"{Name(type.GenericTypeArguments[0]) ?? type.GenericTypeArguments[0].Name}Page";
        return type is { IsNested: true, DeclaringType: { } slice } ? slice.Name + type.Name : null;
    }

    /// <summary>Corrects the schemas of ids and times, because the framework does not know our converters.</summary>
    public static void Correct(OpenApiSchema schema, Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain != typeof(Guid) && plain != typeof(DateTimeOffset))
            return;
        schema.Type = JsonSchemaType.String | (plain == type ? 0 : JsonSchemaType.Null);
        schema.Format = plain == typeof(Guid) ? "uuid" : "date-time";
    }

    /// <summary>Adds the schemas of a body that is read item by item, which the framework does not see.</summary>
    public static async Task AddItems(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        var endpoints = context.ApplicationServices.GetRequiredService<EndpointDataSource>().Endpoints;
        foreach (var items in endpoints.SelectMany(each => each.Metadata.OfType<ItemShapes>()))
        {
            foreach (var (_, type) in items.Types)
                document.AddComponent(Name(type)!, await context.GetOrCreateSchemaAsync(type, null, ct));
        }
    }

    public void Complete(JsonObject document)
    {
        var schemas = document["components"]!["schemas"]!.AsObject();
        schemas[Metadata] = MetadataObject(null);
        schemas["Problem"] = ProblemSchema();
        AddBatch(schemas);
        // Removes unreferenced schemas, which the framework adds for types with custom converters.
        RemoveUnused(document, schemas);
        foreach (var (name, set) in ClosedSets.All)
        {
            schemas[name] = new JsonObject
            {
                ["type"] = "string",
                ["description"] = set.Description,
                ["enum"] = new JsonArray([.. set.Values.Select(value => (JsonNode)value)]),
            };
        }

        MessageSchemas.Add(schemas, limits);

        var requests = Reached(document["paths"]!, schemas, within: "requestBody");
        foreach (var (name, schema) in schemas.ToList())
            Complete(name, schema!.AsObject(), requests.Contains(name));
        RemoveUnused(document, schemas);
        Sort(document["components"]!.AsObject(), "schemas");
        Sort(document["components"]!.AsObject(), "responses");
    }

    private static void RemoveUnused(JsonObject document, JsonObject schemas)
    {
        var used = Reached(document["paths"]!, schemas, within: null);
        used.UnionWith(Reached(document["components"]!["responses"]!, schemas, within: null));
        foreach (var name in schemas.Select(schema => schema.Key).Where(name => !used.Contains(name)).ToList())
            schemas.Remove(name);
    }

    private void Complete(string name, JsonObject schema, bool isRequest)
    {
        // Responses may gain members: a client that rejects unknown ones would break on the next version.
        if (!isRequest && schema["additionalProperties"]?.GetValueKind() == System.Text.Json.JsonValueKind.False)
            schema.Remove("additionalProperties");
        foreach (var (property, value) in (schema["properties"] as JsonObject)?.ToList() ?? [])
        {
            var member = members.Find(name, property);
            var made = Property(value!.AsObject(), member, isRequest);
            if (isRequest)
                MemberTable.Constrain(made, member);
            schema["properties"]![property] = made;
        }
    }

    private static JsonObject Property(JsonObject value, MemberTable.Member member, bool isRequest)
    {
        var made = value.DeepClone().AsObject();
        var isNullable = IsNullable(made);
        if (isRequest && member.IsMetadata)
            made = MetadataObject("null");
        if (member.ItemSchema is { } item)
            made = new JsonObject
            {
                ["type"] = new JsonArray("array", "null"),
                ["items"] = new JsonObject { ["$ref"] = References + item },
            };
        if (isRequest && member.IsList)
            made = new JsonObject { ["type"] = new JsonArray("array", "null"), ["items"] = new JsonObject { ["type"] = "string" } };
        // A list of objects whose members are not described.
        if (made["type"] is JsonArray kinds && kinds.Any(kind => kind!.GetValue<string>() == "array"))
            made["items"] ??= new JsonObject { ["type"] = "object" };
        if (made["type"] is JsonArray types)
            made["type"] = new JsonArray([.. types.Select(type => type!.DeepClone()).OrderBy(IsNull)]);
        if (member.Set is { } set)
        {
            var reference = new JsonObject { ["$ref"] = References + set };
            if (made["items"] is not null)
                made["items"] = reference;
            else
                made = isNullable ? OrNull(reference) : reference;
        }
        else if (made["oneOf"] is JsonArray choices)
        {
            // Puts the reference first, because some generators use the first choice.
            made["oneOf"] = new JsonArray([.. choices.Select(choice => choice!.DeepClone()).OrderBy(choice => choice["$ref"] is null)]);
        }
        made["description"] = member.Description;
        return made;
    }

    private static JsonObject OrNull(JsonObject reference) =>
        new() { ["oneOf"] = new JsonArray(reference, new JsonObject { ["type"] = "null" }) };

    private static bool IsNullable(JsonObject schema) =>
        schema["type"] is JsonArray types && types.Any(IsNull)
        || schema["oneOf"] is JsonArray choices && choices.Any(choice => IsNull(choice!["type"]));

    private static bool IsNull(JsonNode? type) => type is JsonValue value && value.TryGetValue<string>(out var name) && name == "null";

    private void AddBatch(JsonObject schemas)
    {
        (string Type, string Name)[] items =
        [
            ("chat", Name(typeof(Features.WriteBatch.ChatItem))!),
            ("message", Name(typeof(Features.WriteBatch.MessageItem))!),
            ("feedback", Name(typeof(Features.WriteBatch.FeedbackItem))!),
        ];
        schemas[Item] = new JsonObject
        {
            ["description"] = "A chat, a message or feedback; `type` says which.",
            // Some generators support oneOf only between a schema and null.
            ["anyOf"] = new JsonArray([.. items.Select(item => new JsonObject { ["$ref"] = References + item.Name })]),
            ["discriminator"] = new JsonObject
            {
                ["propertyName"] = "type",
                ["mapping"] = new JsonObject(
                    [.. items.Select(item => KeyValuePair.Create<string, JsonNode?>(item.Type, References + item.Name))]),
            },
        };
        foreach (var (type, name) in items)
        {
            var schema = schemas[name]!.AsObject();
            schema["properties"]!["type"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray(type) };
            var required = schema["required"]?.AsArray().Select(member => member!.GetValue<string>()) ?? [];
            schema["required"] = new JsonArray([.. required.Union(["type"]).Select(member => (JsonNode)member)]);
        }
        var request = schemas[Name(typeof(Features.WriteBatch.Request))!]!.AsObject();
        request["description"] = "What is written in one request.";
        request["required"] = new JsonArray("items");
        request["properties"] = new JsonObject
        {
            ["items"] = new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 1,
                ["maxItems"] = limits.BatchItems,
                ["items"] = new JsonObject { ["$ref"] = References + Item },
            },
        };
    }

    private static JsonObject MetadataObject(string? or) => new()
    {
        ["type"] = or is null ? "object" : new JsonArray("object", or),
        ["description"] = "A JSON object of your own; it comes back JSON-equal.",
        ["additionalProperties"] = true,
    };

    private static JsonObject ProblemSchema() => new()
    {
        ["type"] = "object",
        ["description"] = "Why a request was refused (RFC 9457).",
        ["required"] = new JsonArray("type", "title", "status", "detail", "traceId"),
        ["properties"] = new JsonObject
        {
            ["type"] = new JsonObject { ["type"] = "string" },
            ["title"] = new JsonObject { ["type"] = "string" },
            ["status"] = new JsonObject { ["type"] = "integer", ["format"] = "int32" },
            ["detail"] = new JsonObject { ["type"] = "string" },
            ["traceId"] = new JsonObject { ["type"] = "string" },
            ["errors"] = new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } },
            },
        },
    };

    /// <summary>
    /// Returns the names of the schemas reachable from here; with <paramref name="within"/>, only through members of that name.
    /// </summary>
    private static HashSet<string> Reached(JsonNode from, JsonObject schemas, string? within)
    {
        var reached = new HashSet<string>();
        Walk(from, within is null);
        return reached;

        void Walk(JsonNode? node, bool counts)
        {
            switch (node)
            {
                case JsonObject members:
                    if (counts && members["$ref"] is JsonValue reference && reference.GetValue<string>() is var text
                        && text.StartsWith(References, StringComparison.Ordinal) && reached.Add(text[References.Length..]))
                        Walk(schemas[text[References.Length..]], true);
                    foreach (var (name, value) in members)
                        Walk(value, counts || name == within);
                    break;
                case JsonArray items:
                    foreach (var item in items)
                        Walk(item, counts);
                    break;
            }
        }
    }

    private static void Sort(JsonObject components, string kind)
    {
        var sorted = components[kind]!.AsObject().OrderBy(entry => entry.Key, StringComparer.Ordinal).ToList();
        components[kind] = new JsonObject([.. sorted.Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))]);
    }
}
