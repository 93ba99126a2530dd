using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Import;

/// <summary>What became of one item: an id, or the sentence with which it was refused.</summary>
internal readonly record struct ItemResult(int Status, string? Id, bool Replayed, string? Refusal);

/// <summary>Ends an import before the file ends: the message says why. What was sent is in the journal.</summary>
internal sealed class ImportStoppedException(string message) : Exception(message);

/// <summary>
/// Sends batches to the plugin API. It waits and sends again what may succeed later; every item can be sent twice, because it has an
/// Idempotency-Key or is a chat with an external id. Where that lasts, it tells why.
/// </summary>
internal sealed class ImportClient(HttpClient http, string slug, string key, TimeProvider clock, Action<string>? tell = null)
{
    private const int Attempts = 14;

    /// <summary>So many attempts fail before the reason is told: a service that is busy for a moment is no news.</summary>
    private const int UntoldAttempts = 3;

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly string _org = $"api/v1/orgs/{Uri.EscapeDataString(slug)}";
    private DateTimeOffset _serverTime;

    /// <summary>The later one of the service's time, as it told it last, and ours.</summary>
    public DateTimeOffset Now => clock.GetUtcNow() is var own && _serverTime > own ? _serverTime : own;

    /// <summary>Sends items together; a result for each.</summary>
    public async Task<ItemResult[]> Send(IReadOnlyList<ReadOnlyMemory<byte>> items, CancellationToken ct)
    {
        var results = new ItemResult[items.Count];
        List<int> open = [.. Enumerable.Range(0, items.Count)];
        for (var attempt = 1; open.Count > 0; attempt++)
        {
            var (again, wait, reason) = await SendOnce(items, open, results, ct);
            if (again.Count == 0)
                break;
            if (attempt == Attempts)
                throw new ImportStoppedException($"The service does not take more: {reason?.TrimEnd('.')}. Run the import again to go on.");
            TellOnce(attempt, reason);
            open = again;
            await Task.Delay(wait ?? BackOff(attempt), clock, ct);
        }
        return results;
    }

    /// <summary>A GET of the organization; null: the key may not read.</summary>
    public async Task<JsonElement?> Get(string path, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (response, failure) = await Ask(() => new HttpRequestMessage(HttpMethod.Get, $"{_org}/{path}"), ct);
            using (response)
            {
                if (response?.StatusCode == HttpStatusCode.OK)
                    return JsonElement.Parse((await response.Content.ReadAsByteArrayAsync(ct)).AsSpan());
                if (response?.StatusCode == HttpStatusCode.Forbidden)
                    return null;
                if (attempt == Attempts || (response is not null && !IsTemporary(response.StatusCode)))
                {
                    throw new ImportStoppedException(
                        $"The service does not show a chat that it has: {failure ?? await Sentence(response!, ct)}");
                }
                TellOnce(attempt, attempt == UntoldAttempts ? failure ?? await Sentence(response!, ct) : null);
                await Task.Delay(AskedToWait(response) ?? BackOff(attempt), clock, ct);
            }
        }
    }

    private void TellOnce(int attempt, string? reason)
    {
        if (attempt != UntoldAttempts)
            return;
        tell?.Invoke(
            $"The service does not take it yet: {reason?.TrimEnd('.')}. The import tries again, {Attempts - attempt} times at most.");
    }

    /// <summary>Sends the open items once; which of them to send again, when, and why.</summary>
    private async Task<(List<int> Again, TimeSpan? Wait, string? Reason)> SendOnce(
        IReadOnlyList<ReadOnlyMemory<byte>> items, List<int> open, ItemResult[] results, CancellationToken ct)
    {
        var body = Body(items, open);
        var (response, failure) = await Ask(() => Post(body), ct);
        using (response)
        {
            if (response is null)
                return (open, null, failure);
            if (response.StatusCode == HttpStatusCode.MultiStatus)
                return await Read(response, open, results, ct);
            if (IsTemporary(response.StatusCode))
                return (open, AskedToWait(response), await Sentence(response, ct));
            var sentence = await Sentence(response, ct);
            if (response.StatusCode is not (HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.BadRequest))
                throw new ImportStoppedException($"The service refuses the import: {sentence}");
            if (open.Count == 1)
            {
                results[open[0]] = new((int)response.StatusCode, null, false, sentence);
                return ([], null, null);
            }
        }
        // A service with other limits takes fewer at once.
        var first = await SendOnce(items, open[..(open.Count / 2)], results, ct);
        var second = await SendOnce(items, open[(open.Count / 2)..], results, ct);
        return ([.. first.Again, .. second.Again], first.Wait ?? second.Wait, first.Reason ?? second.Reason);
    }

    private static async Task<(List<int>, TimeSpan?, string?)> Read(
        HttpResponseMessage response, List<int> open, ItemResult[] results, CancellationToken ct)
    {
        var answer = JsonElement.Parse((await response.Content.ReadAsByteArrayAsync(ct)).AsSpan()).Get("results");
        if (answer.ValueKind != JsonValueKind.Array || answer.GetArrayLength() != open.Count)
            throw new ImportStoppedException("The service does not answer with a result for each item.");
        var (again, reason) = (new List<int>(), (string?)null);
        foreach (var (at, result) in answer.EnumerateArray().Index())
        {
            var status = result.Count("status") ?? 0;
            var sentence = result.Get("problem").IsGiven() ? ProblemSentence(result.Get("problem")) : null;
            if (status == (int)HttpStatusCode.Forbidden)
                throw new ImportStoppedException($"The key must have the scopes ingest and import: {sentence}");
            if (status is (int)HttpStatusCode.ServiceUnavailable or (int)HttpStatusCode.Conflict)
            {
                again.Add(open[at]);
                reason ??= sentence;
            }
            results[open[at]] = new(status, result.Text("id"), result.Get("replayed").ValueKind == JsonValueKind.True, sentence);
        }
        return (again, null, reason);
    }

    private async Task<(HttpResponseMessage? Response, string? Failure)> Ask(Func<HttpRequestMessage> make, CancellationToken ct)
    {
        try
        {
            using var request = make();
            request.Headers.Add("x-organization-api-key", key);
            var response = await http.SendAsync(request, ct);
            _serverTime = response.Headers.Date ?? _serverTime;
            return (response, null);
        }
        catch (HttpRequestException failure)
        {
            return (null, failure.InnerException?.Message ?? failure.Message);
        }
        catch (TaskCanceledException) when (!ct.IsCancellationRequested)
        {
            return (null, "no answer in time");
        }
    }

    private HttpRequestMessage Post(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");
        return new(HttpMethod.Post, $"{_org}/batch") { Content = content };
    }

    private static byte[] Body(IReadOnlyList<ReadOnlyMemory<byte>> items, List<int> open)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write("""{"items":["""u8);
            foreach (var (place, index) in open.Index())
            {
                if (place > 0)
                    gzip.Write(","u8);
                gzip.Write(items[index].Span);
            }
            gzip.Write("]}"u8);
        }
        return packed.ToArray();
    }

    private static bool IsTemporary(HttpStatusCode status) => status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
        or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
        or HttpStatusCode.GatewayTimeout;

    private TimeSpan? AskedToWait(HttpResponseMessage? response) => response?.Headers.RetryAfter is { } after
        ? TimeSpan.FromTicks(Math.Clamp((after.Delta ?? after.Date - clock.GetUtcNow() ?? TimeSpan.Zero).Ticks, 0, LongestWait.Ticks))
        : null;

    // A second, doubled each time, with half of it more or less, so that several imports do not come back together.
    private static TimeSpan BackOff(int attempt) =>
        TimeSpan.FromSeconds(Math.Min(Math.Pow(2, attempt - 1), LongestWait.TotalSeconds) * (0.5 + Random.Shared.NextDouble()));

    private static async Task<string> Sentence(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            var problem = JsonElement.Parse((await response.Content.ReadAsByteArrayAsync(ct)).AsSpan());
            return $"{(int)response.StatusCode} {ProblemSentence(problem)}";
        }
        catch (JsonException)
        {
            return $"{(int)response.StatusCode} {response.ReasonPhrase}";
        }
    }

    private static string ProblemSentence(JsonElement problem)
    {
        if (problem.Get("errors") is { ValueKind: JsonValueKind.Object } errors)
        {
            return string.Join(' ', errors.EnumerateObject().SelectMany(
                path => path.Value.Elements().Select(sentence => $"{path.Name}: {sentence}")));
        }
        return problem.AnyText("detail", "title") ?? "without a reason";
    }
}
