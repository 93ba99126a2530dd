using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using ChatLogger.Configuration;

namespace ChatLogger.Webhooks;

/// <summary>Which addresses a name stands for.</summary>
internal delegate Task<IPAddress[]> ResolveTarget(string host, CancellationToken ct);

/// <summary>
/// Calls the addresses of webhooks. It connects to no address that is not public (<see cref="TargetAddress"/>): the check is on the address
/// that is connected to, after the name was resolved, so a name that changes its meaning in between changes nothing. No proxy, no redirect,
/// no cookies, nothing of the service's own traces, and a limited part of the answer.
/// </summary>
internal sealed class WebhookClient : IDisposable
{
    private const int MaxResponseBytes = 65_536;
    private const int MaxResponseHeaderKilobytes = 16;

    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromHours(1);

    private readonly WebhookSettings _settings;
    private readonly ResolveTarget _resolve;
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _time;

    public WebhookClient(WebhookSettings settings, ResolveTarget resolve, TimeProvider time)
    {
        (_settings, _resolve, _time) = (settings, resolve, time);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = MaxResponseHeaderKilobytes,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ConnectTimeout = settings.Timeout,
            ConnectCallback = Connect,
        });
    }

    /// <summary>Sends one delivery and returns what became of it. It throws only when the caller gives up.</summary>
    public async Task<DeliveryResult> Send(string url, Guid deliveryId, IReadOnlyList<byte[]> secrets, byte[] body, CancellationToken ct)
    {
        // It may have been allowed when it was given.
        if (TargetUrl.WhyNot(url, _settings.AllowPrivateTargets) is not null)
            return new(null, DeliveryError.AddressRefused, null);
        var id = deliveryId.ToString();
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", $"ChatLogger-Webhooks/{Product.Version}");
        request.Headers.TryAddWithoutValidation("webhook-id", id);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Of(secrets, id, timestamp, body));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_settings.Timeout);
        try
        {
            using var response = await _http.SendAsync(request, limit.Token);
            await Drain(response, limit.Token);
            return response.IsSuccessStatusCode
                ? new((int)response.StatusCode, null, null)
                : new((int)response.StatusCode, DeliveryError.Status, RetryAfter(response));
        }
        catch (Exception failure) when (!ct.IsCancellationRequested)
        {
            return new(null, Error(failure, limit.IsCancellationRequested), null);
        }
    }

    public void Dispose() => _http.Dispose();

    // A small answer is read to its end, so that its connection can be used again; of a larger one the status is enough.
    private static async Task Drain(HttpResponseMessage response, CancellationToken ct)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        var buffer = new byte[4_096];
        for (var total = 0; total < MaxResponseBytes;)
        {
            var read = await stream.ReadAsync(buffer, ct);
            if (read == 0)
                return;
            total += read;
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - _time.GetUtcNow() : null);
        return wait > TimeSpan.Zero ? wait < MaxRetryAfter ? wait : MaxRetryAfter : null;
    }

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _resolve(host, ct);
        if (!_settings.AllowPrivateTargets)
        {
            addresses = [.. addresses.Where(TargetAddress.IsPublic)];
            if (addresses.Length == 0)
                throw new TargetRefusedException();
        }
        Exception? failure = null;
        for (var i = 0; i < addresses.Length; i++)
        {
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            // An address that does not answer leaves time for the others.
            using var share = CancellationTokenSource.CreateLinkedTokenSource(ct);
            share.CancelAfter(_settings.Timeout / addresses.Length);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[i], port), share.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception refused) when (refused is SocketException or OperationCanceledException && !ct.IsCancellationRequested)
            {
                socket.Dispose();
                failure = refused;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    private static string Error(Exception failure, bool isTimeout)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is TargetRefusedException)
                return DeliveryError.AddressRefused;
            if (cause is AuthenticationException)
                return DeliveryError.Tls;
        }
        return isTimeout ? DeliveryError.Timeout : DeliveryError.Unreachable;
    }

    private sealed class TargetRefusedException() : Exception("The target has no address that may be called.");
}

/// <summary>What became of an attempt.</summary>
/// <param name="Status">The status of the answer; null: there was none.</param>
/// <param name="Error">Why it failed, one of <see cref="DeliveryError"/>; null: it did not.</param>
/// <param name="RetryAfter">How long the receiver asks to wait.</param>
internal sealed record DeliveryResult(int? Status, string? Error, TimeSpan? RetryAfter)
{
    public bool IsDelivered => Error is null;

    /// <summary>410: the receiver wants no deliveries any more.</summary>
    public bool IsGone => Status == (int)HttpStatusCode.Gone;
}
