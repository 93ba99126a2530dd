using System.Text.Json.Nodes;
using ChatLogger.Auth;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>Determines the errors that an operation can return from its endpoint's metadata, and describes them.</summary>
internal static class ProblemResponses
{
    private static readonly string[] Safe = ["get", "head"];

    /// <summary>Returns the problem types of the operation, without duplicates.</summary>
    public static IReadOnlyList<ProblemType> Of(RouteEndpoint endpoint, string method)
    {
        var metadata = endpoint.Metadata;
        var access = metadata.GetMetadata<EndpointPolicy>()!;
        var hasBody = metadata.GetMetadata<BodyShape>() is not null;
        var isUnsafe = !Safe.Contains(method);
        var isKnown = access.Credential != CredentialKind.None;
        var idempotencyKey = metadata.GetMetadata<IdempotencyKeyShape>() is not null;
        var namesSomething = endpoint.RoutePattern.Parameters.Count > 0;
        // In an organization superadmins act as admins; elsewhere only the listed roles are admitted.
        var hasRoles = access.Credential == CredentialKind.OrganizationSession
            ? !MemberRole.OfOrganization.All(access.Allowed.Contains)
            : access.Allowed.Count > 0;

        var types = new List<ProblemType> { ProblemType.BadRequest };
        void When(bool condition, params ProblemType[] given)
        {
            if (condition)
                types.AddRange(given);
        }

        // An endpoint without parameters rejects all query parameters.
        When(hasBody || metadata.GetMetadata<AllowsAnyQuery>() is null, ProblemType.Validation);
        When(isKnown || hasBody, ProblemType.Unauthenticated);
        // OriginCheck can reject a browser's request that changes something.
        When(hasRoles || isUnsafe, ProblemType.Forbidden);
        When(namesSomething, ProblemType.NotFound);
        When(hasBody, ProblemType.RequestTimeout, ProblemType.BodyTooLarge);
        When(isUnsafe, ProblemType.UnsupportedMediaType);
        When(access.Credential == CredentialKind.OrganizationSession, ProblemType.NoOrganization);
        When(idempotencyKey, ProblemType.IdempotencyKeyInUse, ProblemType.IdempotencyKeyReused);
        When(isKnown || hasBody, ProblemType.Throttled);
        When(isKnown || hasBody || metadata.GetMetadata<RequiresDatabase>() is not null, ProblemType.Unavailable);
        foreach (var refuses in metadata.GetOrderedMetadata<ProblemsMetadata>())
            When(true, [.. refuses.Types.Where(type => isUnsafe || method == "get" || type != ProblemType.RangeNotSatisfiable)]);
        return [.. types.Distinct().OrderBy(type => type.Status)];
    }

    /// <summary>
    /// Returns a reference to the response for these types, which share one status; operations with the same types share it.
    /// </summary>
    public static JsonObject Reference(ProblemType[] types, bool isHead, JsonObject document)
    {
        var responses = document["components"]!["responses"]!.AsObject();
        var name = string.Join("Or", types.Select(type => Pascal(type.Slug))) + (isHead ? "WithoutBody" : "");
        if (!responses.ContainsKey(name))
            responses[name] = Response(types, isHead);
        return new JsonObject { ["$ref"] = $"#/components/responses/{name}" };
    }

    private static JsonObject Response(ProblemType[] types, bool isHead)
    {
        var response = new JsonObject
        {
            ["description"] = string.Join("; ", types.Select(Described)) + ".",
        };
        if (ResponseHeaders.References(types.SelectMany(Headers).Distinct()) is { } headers)
            response["headers"] = headers;
        if (!isHead)
        {
            response["content"] = new JsonObject
            {
                ["application/problem+json"] = new JsonObject
                {
                    ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" },
                    ["examples"] = new JsonObject(
                        [.. types.Select(type => KeyValuePair.Create<string, JsonNode?>(type.Slug, Example(type)))]),
                },
            };
        }
        return response;
    }

    private static string Described(ProblemType type) => $"`{type.Slug}`: {char.ToLowerInvariant(type.Title[0])}{type.Title[1..]}";

    private static IEnumerable<string> Headers(ProblemType type) =>
        type == ProblemType.Unauthenticated ? ["WWW-Authenticate"]
        : type == ProblemType.Throttled || type == ProblemType.Unavailable || type == ProblemType.IdempotencyKeyInUse ? ["Retry-After"]
        : type == ProblemType.RangeNotSatisfiable ? ["Content-Range"]
        : [];

    private static JsonObject Example(ProblemType type)
    {
        var value = new JsonObject
        {
            ["type"] = type.Slug,
            ["title"] = type.Title,
            ["status"] = type.Status,
            ["detail"] = type == ProblemType.Validation ? "The request is not valid; errors says what and where." : $"{type.Title}.",
            ["traceId"] = "4bf92f3577b34da6a3ce929d0e0e4736",
        };
        if (type == ProblemType.Validation)
            value["errors"] = new JsonObject { ["limit"] = new JsonArray("Must be from 1 to 200.") };
        return new JsonObject { ["summary"] = type.Title, ["value"] = value };
    }

    private static string Pascal(string slug) => string.Concat(slug.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
