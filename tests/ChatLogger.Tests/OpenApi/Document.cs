using System.Text.Json.Nodes;
using ChatLogger.OpenApi;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.OpenApi;

/// <summary>The OpenAPI document of a service, and ways to walk over all of it.</summary>
internal sealed class Document(JsonObject root)
{
    public JsonObject Root => root;

    public JsonObject Schemas => root["components"]!["schemas"]!.AsObject();

    public static async Task<Document> Of(App app) =>
        new(JsonNode.Parse(await app.Services.GetRequiredService<ApiDocument>().Text(null))!.AsObject());

    public IEnumerable<Operation> Operations =>
        from path in root["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select new Operation(this, path.Key, method.Key, method.Value!.AsObject());

    /// <summary>The target of a reference, or the node itself.</summary>
    public JsonObject Resolve(JsonNode node)
    {
        while (node["$ref"] is { } reference)
        {
            node = reference.Text().Split('/').Skip(1).Aggregate(
                (JsonNode)root, (at, name) => at[name] ?? throw new InvalidOperationException($"{reference} is not there."));
        }
        return node.AsObject();
    }

    /// <summary>The members of all schemas with a name, those of objects deeper inside, too.</summary>
    public IEnumerable<(string Schema, string Name, JsonObject Value)> Members =>
        Schemas.SelectMany(schema => MembersOf(schema.Key, schema.Value!));

    /// <summary>The names of the schemas that can be reached from here.</summary>
    public HashSet<string> Reached(IEnumerable<JsonNode?> from)
    {
        var reached = new HashSet<string>();
        var next = new Queue<JsonNode?>(from);
        while (next.TryDequeue(out var node))
        {
            foreach (var each in All(node))
            {
                if (each is not JsonObject item || item["$ref"] is not JsonValue reference)
                    continue;
                var name = reference.GetValue<string>().Split('/')[^1];
                if (!reference.GetValue<string>().StartsWith("#/components/schemas/", StringComparison.Ordinal))
                    next.Enqueue(Resolve(item));
                else if (reached.Add(name))
                    next.Enqueue(Schemas[name]);
            }
        }
        return reached;
    }

    /// <summary>A node and everything inside.</summary>
    public static IEnumerable<JsonNode?> All(JsonNode? node) => node switch
    {
        JsonObject item => [item, .. item.SelectMany(member => All(member.Value))],
        JsonArray items => [items, .. items.SelectMany(All)],
        _ => [node],
    };

    private static IEnumerable<(string Schema, string Name, JsonObject Value)> MembersOf(string name, JsonNode schema) =>
        All(schema).OfType<JsonObject>().Where(each => each["properties"] is JsonObject)
            .SelectMany(each => each["properties"]!.AsObject().Select(member => (name, member.Key, member.Value!.AsObject())));
}

internal static class Nodes
{
    public static string Text(this JsonNode? node) => node!.GetValue<string>();

    /// <summary>Whether there is a text, and it is not empty.</summary>
    public static bool IsSaid(this JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0;

    public static IEnumerable<string> Names(this JsonNode? node) => node is JsonObject members ? members.Select(member => member.Key) : [];
}

internal sealed record Operation(Document Document, string Path, string Method, JsonObject Json)
{
    public string Id => Json["operationId"].Text();

    public bool IsHead => Method == "head";

    public IEnumerable<JsonObject> Parameters => Json["parameters"]!.AsArray().Select(parameter => parameter!.AsObject());

    public IEnumerable<(int Status, JsonObject Response)> Responses =>
        Json["responses"]!.AsObject().Select(response => (int.Parse(response.Key, null), Document.Resolve(response.Value!)));

    public IEnumerable<(int Status, JsonObject Response)> Refusals => Responses.Where(response => response.Status >= 400);

    public JsonObject? Body => Json["requestBody"] as JsonObject;

    public override string ToString() => $"{Method.ToUpperInvariant()} {Path}";
}
