using System.Net;

namespace ChatLogger.Bench.Http;

/// <summary>
/// Sends a request, and retries it where that is safe: the service asked for a retry (429 or 503 with Retry-After), the request
/// never left (no connection), or it may be repeated anyway. An error after a POST was sent is left to the caller: nobody knows its
/// outcome.
/// </summary>
internal sealed class RetryPolicy(TimeProvider clock, int attempts = 8)
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(60);

    private long retries;

    public long Retries => Interlocked.Read(ref retries);

    /// <summary>The token ends waiting, not a request that is under way: its answer is still wanted.</summary>
    public async Task<HttpResponseMessage> Send(HttpClient http, Func<HttpRequestMessage> ask, bool repeatable, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var request = ask();
                var response = await http.SendAsync(request, CancellationToken.None);
                if (attempt >= attempts || AskedToWait(response) is not { } wait || !await Waited(wait, stop))
                    return response;
                response.Dispose();
            }
            catch (HttpRequestException e) when (attempt < attempts && (repeatable || NeverSent(e)))
            {
                if (!await Waited(TimeSpan.FromMilliseconds(Math.Min(250 << (attempt - 1), 4000)), stop))
                    throw;
            }
            Interlocked.Increment(ref retries);
        }
    }

    public static bool NeverSent(HttpRequestException e) => e.HttpRequestError
        is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
        or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;

    private TimeSpan? AskedToWait(HttpResponseMessage response)
    {
        if (
            response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
            || response.Headers.RetryAfter is not { } after)
            return null;
        var wait = after.Delta ?? after.Date - clock.GetUtcNow() ?? TimeSpan.Zero;
        return wait <= MaxDelay ? wait > TimeSpan.Zero ? wait : TimeSpan.Zero : null;
    }

    private async Task<bool> Waited(TimeSpan wait, CancellationToken stop)
    {
        try
        {
            await Task.Delay(wait, clock, stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
