namespace ChatLogger.Http;

/// <summary>
/// Adds HEAD to every GET endpoint (RFC 9110, 9.3.2), with the same authorization; the server sends the headers without the body.
/// </summary>
internal static class HeadRequests
{
    public static TBuilder AnsweringHead<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        // Routing and the OpenAPI document use the last metadata of the type.
        builder.Finally(endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault() is { HttpMethods: ["GET"] })
                endpoint.Metadata.Add(new HttpMethodMetadata(["GET", "HEAD"]));
        });
        return builder;
    }
}
