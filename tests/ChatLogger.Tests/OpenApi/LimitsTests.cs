using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.OpenApi;

/// <summary>A service whose limits are other than the defaults.</summary>
public sealed class LimitedApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Limits:NameLength"] = "17",
            ["Limits:Tags"] = "3",
            ["Limits:TagLength"] = "9",
            ["Limits:BatchItems"] = "7",
            ["Limits:LatencyMs"] = "1234",
            ["Limits:AnalyticsTop"] = "11",
        });
}

public class LimitsTests(LimitedApp app) : IClassFixture<LimitedApp>
{
    // A time or a date, a cursor, the id of an event, a current password of any length, and headers of HTTP.
    private static readonly string[] AnyLength =
    [
        "from", "to", "cursor", "LoginRequest.email", "LoginRequest.password", "ChangeProfileRequest.currentPassword", "org", "actor",
        "If-None-Match", "Range", "If-Range", "after", "Last-Event-ID",
        "ReceiveTracesRequest.resourceSpans", "IngestLangfuseRequest.batch", "IngestLangfuseRequest.metadata",
        "IngestLunaryRequest.events",
    ];

    [Fact]
    public async Task Everything_that_is_sent_has_a_limit_and_it_is_the_one_that_is_set()
    {
        var document = await Document.Of(app);
        var asked = document.Reached(document.Operations.Select(operation => (JsonNode?)operation.Body));
        var members = document.Members
            .Where(member => asked.Contains(member.Schema))
            .Select(member => ($"{member.Schema}.{member.Name}", member.Name, member.Value));
        var parameters = document.Operations.SelectMany(operation => operation.Parameters)
            .Select(parameter => ($"parameter {parameter["name"]}", parameter["name"].Text(), parameter["schema"]!.AsObject()));

        foreach (var (path, name, value) in members.Concat(parameters))
        {
            if (AnyLength.Contains(name) || AnyLength.Contains(path))
                continue;
            foreach (var schema in Document.All(value).OfType<JsonObject>())
            {
                var type = schema["type"] is JsonArray types ? types[0].Text() : (schema["type"] as JsonValue)?.GetValue<string>();
                if (type == "string")
                    Assert.True(new[] { "maxLength", "enum", "format", "pattern" }.Any(schema.ContainsKey), $"{path} may have any length.");
                if (type == "integer")
                    Assert.True(schema["minimum"] is not null && schema["maximum"] is not null, $"{path} may be any number.");
                if (type == "array")
                    Assert.True(schema["maxItems"] is not null || schema["uniqueItems"] is not null, $"{path} may have any length.");
            }
        }

        Assert.Equal(17, Of("CreateChatRequest", "title")["maxLength"]!.GetValue<int>());
        Assert.Equal(3, Of("CreateChatRequest", "tags")["maxItems"]!.GetValue<int>());
        Assert.Equal(9, Of("ChangeChatRequest", "tags")["items"]!["maxLength"]!.GetValue<int>());
        Assert.Equal(7, Of("WriteBatchRequest", "items")["maxItems"]!.GetValue<int>());
        Assert.Equal(1234, Of("AppendMessageRequest", "latencyMs")["maximum"]!.GetValue<int>());
        Assert.Contains(document.Operations.SelectMany(operation => operation.Parameters), parameter =>
            parameter["name"].Text() == "top" && parameter["schema"]!["maximum"]!.GetValue<int>() == 11);
        // Responses may contain values that were stored under other limits.
        Assert.Null(Of("Chat", "title")["maxLength"]);

        JsonObject Of(string schema, string member) => document.Schemas[schema]!["properties"]![member]!.AsObject();
    }
}
