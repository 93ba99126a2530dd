using System.Text.Json.Nodes;

namespace ChatLogger.OpenApi;

/// <summary>The response headers that describe a particular response, without those that every response has.</summary>
internal static class ResponseHeaders
{
    private static readonly (string Name, string Type, string Description, string Example)[] Known =
    [
        ("Location", "string",
            "Where the thing is that was made: a path of this service.",
            "/orgs/me/apikeys/0192f0c5-5b8e-7c3a-9d55-2f6b1c0a7e41"),
        ("Retry-After", "integer", "Whole seconds after which it is worth another try.", "2"),
        ("Idempotent-Replayed", "string",
            "`true` where the answer is of an earlier request with the same Idempotency-Key; otherwise absent.",
            "true"),
        ("ETag", "string", "Names this very content in this encoding; `If-None-Match` and `If-Range` take it.", "\"9f86d081884c7d65\""),
        ("Content-Disposition", "string",
            "`attachment`, with a name to save the file under.",
            "attachment; filename=\"acme-20261101-120000.csv\""),
        ("Content-Range", "string", "Which bytes of the file these are, and how many it has.", "bytes 0-1023/146515"),
        ("Accept-Ranges", "string", "`bytes`: a range of the file may be asked for.", "bytes"),
        ("Set-Cookie", "string",
            "The session cookie: `HttpOnly`, `SameSite=Strict`, `Path=/`, and `Secure` wherever it is served over https.",
            "__Host-chatlogger=eyJhbGciOi; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Strict"),
        ("WWW-Authenticate", "string", "Which credential is asked for: `ApiKey` or `Cookie`.", "ApiKey"),
    ];

    public static JsonObject All() => new([.. Known.Select(header => KeyValuePair.Create<string, JsonNode?>(header.Name, new JsonObject
    {
        ["description"] = header.Description,
        ["schema"] = new JsonObject { ["type"] = header.Type },
        ["example"] = header.Type == "integer" ? int.Parse(header.Example, null) : header.Example,
    }))]);

    public static JsonObject? References(IEnumerable<string> names)
    {
        var references = new JsonObject();
        foreach (var name in names)
            references[name] = new JsonObject { ["$ref"] = $"#/components/headers/{name}" };
        return references.Count == 0 ? null : references;
    }
}
