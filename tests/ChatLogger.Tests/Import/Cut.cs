namespace ChatLogger.Tests.Import;

/// <summary>
/// Passes requests on until one, which ends the import as if it were killed: before it arrives, or before its answer does.
/// </summary>
internal sealed class Cut(HttpClient service, int request, bool arrives) : HttpMessageHandler
{
    private int _count;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        var isLast = ++_count == request;
        if (isLast && !arrives)
            throw new TimeoutException();
        var answer = await Pass(service, message, cancellationToken);
        return isLast ? throw new TimeoutException() : answer;
    }

    public static async Task<HttpResponseMessage> Pass(HttpClient service, HttpRequestMessage message, CancellationToken ct)
    {
        using var copy = new HttpRequestMessage(message.Method, message.RequestUri) { Content = message.Content };
        foreach (var header in message.Headers)
            copy.Headers.TryAddWithoutValidation(header.Key, header.Value);
        return await service.SendAsync(copy, ct);
    }
}
