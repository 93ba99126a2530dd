using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.OpenApi;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.OpenApi;

/// <summary>
/// What holds for every operation, parameter, answer and schema of the document, as those who generate clients from it need it.
/// </summary>
public partial class DocumentTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string Rewrite = "CHATLOGGER_REWRITE_ROUTES";

    private static readonly string File = Path.Combine(Repository.Root, "docs", "openapi.json");

    [Fact]
    public async Task The_committed_document_is_what_is_served()
    {
        var running = Indented((await Document.Of(app)).Root);

        if (Environment.GetEnvironmentVariable(Rewrite) == "1")
            System.IO.File.WriteAllText(File, running);

        Assert.True(
            running == System.IO.File.ReadAllText(File),
            $"docs/openapi.json is not what is served; {Rewrite}=1 dotnet test --filter DocumentTests rewrites it. Read the diff.");
    }

    [Fact]
    public async Task A_parameter_of_a_query_is_required_where_a_request_without_it_is_refused()
    {
        var document = await Document.Of(app);

        var required =
            from operation in document.Operations
            from parameter in operation.Parameters
            where parameter["in"].Text() == "query" && parameter["required"]?.GetValue<bool>() == true
            select $"{operation.Method} {operation.Path} {parameter["name"].Text()}";

        Assert.Equal(
            ["get /api/v1/orgs/{slug}/chats externalId", "head /api/v1/orgs/{slug}/chats externalId"], required);
    }

    [Fact]
    public async Task A_list_says_what_is_in_it()
    {
        var lists = (await Document.Of(app)).Members
            .Where(member => member.Value["type"] is JsonArray types && types.Any(type => type.Text() == "array")
                || member.Value["type"] is JsonValue type && type.Text() == "array")
            .ToList();

        Assert.NotEmpty(lists);
        Assert.All(lists, member => Assert.NotNull(member.Value["items"]));
    }

    [Fact]
    public async Task It_describes_every_route_but_pages_and_those_for_machines_of_the_operator()
    {
        var document = await Document.Of(app);
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                .Select(method => $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}"))
            .Where(route => route.Split(' ')[1] is not ("/" or "/app/{**path}" or ApiDocument.Path or "/metrics"));

        Assert.Equal(
            routes.Order(StringComparer.Ordinal),
            document.Operations.Select(operation => $"{operation}").Order(StringComparer.Ordinal));
        Assert.StartsWith("3.1", document.Root["openapi"].Text(), StringComparison.Ordinal);
        Assert.Equal("MIT", document.Root["info"]!["license"]!["identifier"].Text());
        Assert.Equal("/", document.Root["servers"]![0]!["url"].Text());
    }

    [Fact]
    public async Task Every_operation_has_a_name_a_sentence_a_described_tag_and_its_credential()
    {
        var document = await Document.Of(app);
        var tags = document.Root["tags"]!.AsArray().ToDictionary(tag => tag!["name"].Text(), tag => tag!["description"].Text());
        var schemes = document.Root["components"]!["securitySchemes"]!.AsObject();

        var operations = document.Operations.ToList();
        Assert.Equal(operations.Count, operations.Select(operation => operation.Id).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(operations, operation =>
        {
            Assert.Matches("^[a-z][A-Za-z]+$", operation.Id);
            Assert.NotEmpty(operation.Json["summary"].Text());
            Assert.Contains("Who may call it:", operation.Json["description"].Text(), StringComparison.Ordinal);
            Assert.All(operation.Json["tags"]!.AsArray(), tag => Assert.NotEmpty(tags[tag.Text()]));
            var security = operation.Json["security"]!.AsArray().SelectMany(each => each!.AsObject().Select(scheme => scheme.Key)).ToList();
            Assert.All(security, scheme => Assert.True(schemes.ContainsKey(scheme), scheme));
            Assert.Equal(operation.Refusals.Any(refusal => refusal.Status == 401) && operation.Path != "/auth/login", security.Count > 0);
        });
        Assert.All(schemes, scheme => Assert.NotEmpty(scheme.Value!["description"].Text()));
    }

    [Fact]
    public async Task Every_parameter_and_every_member_is_described()
    {
        var document = await Document.Of(app);

        Assert.All(document.Operations, operation => Assert.All(operation.Parameters, parameter => Assert.True(
            parameter["description"].IsSaid(),
            $"{operation}: nothing is said of {parameter["name"]}. Add a line to {nameof(MemberTable)}.")));
        Assert.All(document.Members, member => Assert.True(
            member.Value["description"].IsSaid(),
            $"Nothing is said of {member.Schema}.{member.Name}. Add a line to {nameof(MemberTable)}."));
        Assert.All(document.Operations, operation => Assert.Equal(
            operation.Path.Split('/').Where(part => part.StartsWith('{')).Select(part => part.Trim('{', '}')),
            operation.Parameters.Where(parameter => parameter["in"].Text() == "path").Select(parameter => parameter["name"].Text())));
        Assert.All(
            document.Operations.SelectMany(operation => operation.Parameters).Where(parameter => parameter["name"].Text() == "tag"),
            parameter => Assert.True(parameter["schema"]!["type"].Text() == "array" && parameter["explode"]!.GetValue<bool>()));
    }

    [Fact]
    public async Task A_closed_set_of_values_is_an_enum()
    {
        var document = await Document.Of(app);
        string[] closed =
        [
            "role", "scopes", "rating", "format", "layout", "mode", "state", "action", "order", "Profile.status", "Problem.type",
            "ListAuditEventsParty.type",
        ];

        var members = document.Members.Where(member => closed.Contains(member.Name) || closed.Contains($"{member.Schema}.{member.Name}"));
        foreach (var (schema, name, value) in members)
            Assert.True(Values(value).Any(), $"{schema}.{name} may be anything.");
        var parameters = document.Operations.SelectMany(operation => operation.Parameters);
        foreach (var parameter in parameters.Where(parameter => closed.Contains(parameter["name"].Text())))
            Assert.True(Values(parameter["schema"]!.AsObject()).Any(), $"{parameter["name"]} may be anything.");

        Assert.Equal(ProblemType.All.Select(type => type.Slug), Of("ProblemType"));
        Assert.Equal(AuditAction.All, Of("AuditAction"));
        Assert.Equal(MessageRole.All, Of("MessageRole"));
        Assert.All(Of("MessageRole"), role => Assert.Contains(role, MessageRole.Sentence, StringComparison.Ordinal));
        Assert.Equal(KeyScope.All, Of("KeyScope"));
        var formats = app.Services.GetServices<IExportFormat>().ToList();
        Assert.Equal(
            formats.Select(format => format.Name).Distinct().Order(StringComparer.Ordinal),
            Of("ExportFormat").Order(StringComparer.Ordinal));
        Assert.Equal(formats.Where(format => format.Layout is not null).Select(format => format.Layout!), Of("ExportLayout"));
        Assert.Equal(
            typeof(ExportState).GetFields().Select(state => (string)state.GetRawConstantValue()!).Order(StringComparer.Ordinal),
            Of("ExportState").Order(StringComparer.Ordinal));

        IEnumerable<string> Of(string set) => Values(document.Schemas[set]!.AsObject());
        IEnumerable<string> Values(JsonObject schema) => Document.All(schema).OfType<JsonObject>()
            .SelectMany(each => document.Resolve(each)["enum"] is JsonArray values ? values.Select(value => value.Text()) : []);
    }

    [Fact]
    public async Task Request_schemas_are_closed_and_response_schemas_are_open()
    {
        var document = await Document.Of(app);
        var asked = document.Reached(document.Operations.Select(operation => (JsonNode?)operation.Body));
        var answered = document.Reached(document.Operations.Select(operation => operation.Json["responses"]));

        Assert.Equal(
            document.Schemas.Names().Order(StringComparer.Ordinal),
            asked.Union(answered).Union(Parameters()).Order(StringComparer.Ordinal));
        Assert.All(document.Schemas, schema => Assert.DoesNotMatch("Exception|MethodBase|System|JsonObject", schema.Key));
        Assert.All(answered, name => Assert.False(IsClosed(document.Schemas[name]!), $"{name} forbids the members of a later version."));
        Assert.All(
            asked.Except(answered).Where(name => document.Schemas[name]!["properties"] is not null),
            name => Assert.True(IsClosed(document.Schemas[name]!), $"{name} does not say that other members are refused."));
        // Whether metadata is redacted is a choice of the organization.
        var metadata = document.Members.Where(member => member.Name == "metadata")
            .Where(member => !member.Schema.Contains("Redaction", StringComparison.Ordinal));
        Assert.All(metadata, member =>
            Assert.True(
                document.Resolve(member.Value)["additionalProperties"]!.GetValue<bool>(), $"{member.Schema}.metadata is not open."));

        bool IsClosed(JsonNode schema) => Document.All(schema).OfType<JsonObject>()
            .Any(each => each["additionalProperties"] is JsonValue value && !value.GetValue<bool>());
        IEnumerable<string> Parameters() => document.Reached(document.Operations.Select(operation => operation.Json["parameters"]));
    }

    [Fact]
    public async Task A_nullable_schema_has_one_other_type_and_a_number_is_not_a_string()
    {
        var document = await Document.Of(app);

        foreach (var schema in Document.All(document.Root["components"]!["schemas"]).OfType<JsonObject>())
        {
            if (schema["type"] is JsonArray types)
                Assert.Equal("null", Assert.Single(types.Skip(1)).Text());
            // A choice is between a schema and null, between plain types, or has a discriminator.
            if (schema["oneOf"] is JsonArray choices)
                Assert.Equal([true, false], choices.Select(choice => choice!["$ref"] is not null));
            var isOfTypes = schema["anyOf"] is JsonArray plain && plain.All(choice => choice!["type"] is JsonValue);
            Assert.Equal(schema["anyOf"] is null || isOfTypes, schema["discriminator"] is null);
            Assert.Null(schema["allOf"]);
        }
        var discriminator = document.Schemas["BatchItem"]!["discriminator"]!;
        Assert.Equal("type", discriminator["propertyName"].Text());
        Assert.All(discriminator["mapping"]!.AsObject(), each => Assert.Equal(
            each.Key, document.Schemas[each.Value.Text().Split('/')[^1]]!["properties"]!["type"]!["enum"]![0].Text()));
    }

    internal static string Indented(JsonNode document) =>
        document.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = Json.Encoder, NewLine = "\n" }) + "\n";

    private static string Shape(string route) => Parameter().Replace(route, "{}");

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
