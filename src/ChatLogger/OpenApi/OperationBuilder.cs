using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using Microsoft.AspNetCore.Routing.Patterns;

namespace ChatLogger.OpenApi;

/// <summary>
/// Builds an operation from its endpoint's metadata: parameters, credential, examples, and each response with its headers.
/// </summary>
internal sealed partial class OperationBuilder(EndpointDataSource endpoints, IEnumerable<IExportFormat> formats, MemberTable members)
{
    public const string KeyScheme = "apiKey";
    public const string BearerScheme = "bearerKey";
    public const string CookieScheme = "session";

    private const string Json = "application/json";

    public void Complete(JsonObject document)
    {
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
                Complete(Endpoint(path, method), method, operation!.AsObject(), document);
        }
    }

    private RouteEndpoint Endpoint(string path, string method) => endpoints.Endpoints.OfType<RouteEndpoint>().Single(endpoint =>
        Path(endpoint.RoutePattern) == path
        && endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Contains(method, StringComparer.OrdinalIgnoreCase));

    private static string Path(RoutePattern pattern) => $"/{pattern.RawText!.Trim('/')}".Replace("//", "/", StringComparison.Ordinal);

    private void Complete(RouteEndpoint endpoint, string method, JsonObject operation, JsonObject document)
    {
        var metadata = endpoint.Metadata;
        var isHead = method == "head";
        var access = metadata.GetMetadata<EndpointPolicy>()!;
        // If a slice has two routes, one uses the slice's name and the other sets a name of its own.
        var name = metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName
            ?? metadata.GetMetadata<MethodInfo>()!.DeclaringType!.DeclaringType!.Name;
        operation["operationId"] = isHead ? $"head{name}" : char.ToLowerInvariant(name[0]) + name[1..];
        operation["description"] = $"{operation["description"]} Who may call it: {access.Description}."
            + (isHead ? " The headers are those that GET would have; there is no body." : "");
        operation["description"] = operation["description"]!.GetValue<string>().TrimStart();
        operation["security"] = access.Credential switch
        {
            CredentialKind.ApiKey => new JsonArray(
                new JsonObject { [KeyScheme] = new JsonArray() },
                new JsonObject { [BearerScheme] = new JsonArray() }),
            CredentialKind.Session or CredentialKind.OrganizationSession => new JsonArray(
                new JsonObject { [CookieScheme] = new JsonArray() }),
            _ => new JsonArray(),
        };
        operation["parameters"] = new JsonArray([.. Parameters(endpoint, isHead)]);
        if (operation["requestBody"] is JsonObject body)
            Complete(body, name, metadata.GetMetadata<GzipAllowed>() is not null);
        operation["responses"] = Responses(endpoint, method, operation["responses"]!.AsObject(), document);
    }

    private static void Complete(JsonObject body, string name, bool gzip)
    {
        body["required"] = true;
        body["description"] = gzip ? "JSON in UTF-8; with `Content-Encoding: gzip` it may be compressed." : "JSON in UTF-8.";
        body["content"]![Json]!["examples"] = new JsonObject(
            [.. Examples.Of(name).Select(example => KeyValuePair.Create<string, JsonNode?>(example.Key, new JsonObject
            {
                ["summary"] = example.Summary,
                ["value"] = JsonNode.Parse(example.Body),
            }))]);
    }

    private IEnumerable<JsonNode> Parameters(RouteEndpoint endpoint, bool isHead)
    {
        var metadata = endpoint.Metadata;
        foreach (Match parameter in PathParameter().Matches(endpoint.RoutePattern.RawText!))
            yield return Parameter(parameter.Groups[1].Value, "path", null, typeof(string), required: true);
        if (metadata.GetMetadata<QueryShape>() is { } query)
        {
            foreach (var property in Http.Json.Options.GetTypeInfo(query.Type).Properties)
            {
                var required = property.AssociatedParameter is { HasDefaultValue: false };
                yield return Parameter(property.Name, "query", SchemaBuilder.Name(query.Type), property.PropertyType, required);
            }
        }
        if (metadata.GetMetadata<IdempotencyKeyShape>() is not null)
            yield return Parameter(IdempotencyKey.Header, "header", null, typeof(string));
        if (metadata.GetMetadata<EventStreamMetadata>() is { } stream)
            yield return Parameter(stream.ResumingHeader, "header", null, typeof(string));
        if (metadata.GetMetadata<FileResponseMetadata>() is { Again: true })
        {
            yield return Parameter("If-None-Match", "header", null, typeof(string));
            if (!isHead)
            {
                yield return Parameter("Range", "header", null, typeof(string));
                yield return Parameter("If-Range", "header", null, typeof(string));
            }
        }
    }

    private JsonObject Parameter(string name, string place, string? shape, Type type, bool required = false)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var member = members.Find(shape, name);
        JsonObject Value() => new() { ["type"] = type == typeof(int) ? "integer" : "string" };
        var schema = type.IsArray ? new JsonObject { ["type"] = "array", ["items"] = Value() } : Value();
        if (type == typeof(Guid))
            schema["format"] = "uuid";
        else if (type == typeof(DateTimeOffset))
            schema["format"] = "date-time";
        else if (type == typeof(int))
            schema["format"] = "int32";
        MemberTable.Constrain(schema, member);
        var parameter = new JsonObject { ["name"] = name, ["in"] = place, ["description"] = member.Description };
        if (required)
            parameter["required"] = true;
        if (type.IsArray)
        {
            parameter["style"] = "form";
            parameter["explode"] = true;
        }
        parameter["schema"] = schema;
        if (member.Example is { } example)
            parameter["example"] = type.IsArray ? new JsonArray(example) : type == typeof(int) ? int.Parse(example, null) : example;
        return parameter;
    }

    private JsonObject Responses(RouteEndpoint endpoint, string method, JsonObject found, JsonObject document)
    {
        var metadata = endpoint.Metadata;
        var isHead = method == "head";
        var responses = new SortedDictionary<int, JsonObject>();
        foreach (var (status, response) in found)
            responses[int.Parse(status, null)] = response!.DeepClone().AsObject();
        if (metadata.GetMetadata<FileResponseMetadata>() is { } file)
            AddFile(responses, file.Again, isHead);
        if (metadata.GetMetadata<EventStreamMetadata>() is not null)
            responses[200] = EventStream();
        foreach (var (status, response) in responses)
        {
            var headers = metadata.GetOrderedMetadata<ResponseMetadata>()
                .Where(sends => sends.Status == status)
                .SelectMany(sends => sends.Headers)
                .ToList();
            if (status == 201)
                headers.Insert(0, "Location");
            if (metadata.GetMetadata<IdempotencyKeyShape>() is not null && status is 201 or 202)
                headers.Add(IdempotencyKey.ReplayedHeader);
            if (ResponseHeaders.References(headers) is { } references)
                response["headers"] = references;
        }
        foreach (var types in ProblemResponses.Of(endpoint, method).GroupBy(type => type.Status))
            responses[types.Key] = ProblemResponses.Reference([.. types], isHead, document);

        var all = new JsonObject();
        foreach (var (status, response) in responses)
        {
            if (isHead)
                response.Remove("content");
            all[status.ToString(System.Globalization.CultureInfo.InvariantCulture)] = response;
        }
        return all;
    }

    private static JsonObject EventStream() => new()
    {
        ["description"] = "Events as they happen, until the stream ends.",
        ["content"] = new JsonObject
        {
            ["text/event-stream"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } },
        },
    };

    private void AddFile(SortedDictionary<int, JsonObject> responses, bool again, bool isHead)
    {
        var types = formats.Select(format => format.ContentType.Split(';')[0]).Distinct().ToArray();
        JsonObject File(string description) => new()
        {
            ["description"] = description,
            ["content"] = new JsonObject([.. types.Select(type => KeyValuePair.Create<string, JsonNode?>(type, new JsonObject
            {
                ["schema"] = new JsonObject { ["type"] = "string", ["format"] = "binary" },
            }))]),
        };

        responses[200] = File("The file, compressed with gzip where `Accept-Encoding` says so.");
        if (!again)
            return;
        if (!isHead)
            responses[206] = File("The part of the file that `Range` asked for, uncompressed.");
        responses[304] = new JsonObject { ["description"] = "The file is the one that `If-None-Match` names." };
    }

    [GeneratedRegex("\\{(\\w+)\\}")]
    private static partial Regex PathParameter();
}
