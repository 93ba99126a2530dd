using System.Net;

namespace ChatLogger.Tests.Import;

/// <summary>Refuses every other request, each time in another way.</summary>
internal sealed class Busy(HttpClient service) : HttpMessageHandler
{
    private static readonly HttpStatusCode[] Ways =
        [HttpStatusCode.TooManyRequests, HttpStatusCode.ServiceUnavailable, HttpStatusCode.BadGateway, HttpStatusCode.GatewayTimeout];

    private int _count;

    public int Refused { get; private set; }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (_count++ % 2 == 1 || Refused == Ways.Length)
            return Cut.Pass(service, message, cancellationToken);
        var answer = new HttpResponseMessage(Ways[Refused++]);
        answer.Headers.TryAddWithoutValidation("Retry-After", "0");
        return Task.FromResult(answer);
    }
}
