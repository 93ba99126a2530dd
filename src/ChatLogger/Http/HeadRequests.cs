namespace ChatLogger.Http;

/// <summary>
/// HEAD wherever there is GET (RFC 9110, 9.3.2): the same endpoint with the same authorization; the server sends the headers and leaves the
/// body out.
/// </summary>
internal static class HeadRequests
{
    public static TBuilder AnsweringHead<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        // Routing and the OpenAPI document go by the last metadata of the kind.
        builder.Finally(endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault() is { HttpMethods: ["GET"] })
                endpoint.Metadata.Add(new HttpMethodMetadata(["GET", "HEAD"]));
        });
        return builder;
    }
}
