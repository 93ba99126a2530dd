using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Client;

/// <summary>Sends batches until each of their items is acknowledged or refused.</summary>
internal sealed partial class Delivery(
    ChatLoggerClientOptions options, Func<HttpClient> clients, ILogger<ChatLoggerClient> logger, TimeProvider time)
{
    /// <summary>A batch is sent when it has so many items, or bytes; one that could not be sent for a while grows.</summary>
    public const int FlushCount = 20;
    public const int FlushBytes = 48 * 1024;
    public const int MaxBatch = 200;
    public const int MaxBatchBytes = 1_000_000;

    private const int ShortestCompressed = 1_024;

    private static readonly TimeSpan MaxDelay = TimeSpan.FromMinutes(5);

    private readonly Uri _address = new($"{options.Url!.AbsoluteUri.TrimEnd('/')}/api/v1/orgs/{Uri.EscapeDataString(options.Slug!)}/batch");
    private readonly string _key = options.Key!;
    private TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _enqueued;
    private long _acknowledged;
    private long _dropped;
    private long _refusedUnqueued;
    private int _failures;

    public ChatLoggerCounts Counts
    {
        get
        {
            var (acknowledged, dropped) = (Interlocked.Read(ref _acknowledged), Interlocked.Read(ref _dropped));
            var queued = Interlocked.Read(ref _enqueued) - acknowledged - dropped;
            return new(queued, acknowledged, dropped + Interlocked.Read(ref _refusedUnqueued), 0);
        }
    }

    public void Enqueued() => Interlocked.Increment(ref _enqueued);

    /// <summary>Ends the present delay.</summary>
    public void Hurry() => Interlocked.Exchange(ref _hurry, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    public void Drop(Entry entry, string message, int? status)
    {
        Interlocked.Increment(ref _dropped);
        var item = entry.Json is { } json ? Encoding.UTF8.GetString(json) : Batch.JsonOf(entry.Feedback!);
        Tell(new(message, status, item, false));
    }

    /// <summary>What was never queued.</summary>
    public void Refuse(string message, int? status, string? item)
    {
        Interlocked.Increment(ref _refusedUnqueued);
        Tell(new(message, status, item, false));
    }

    public async Task Deliver(List<Entry> entries, CancellationToken abandon)
    {
        for (var limit = MaxBatch; entries.Count > 0;)
        {
            if (abandon.IsCancellationRequested)
            {
                entries.ForEach(entry => Drop(entry, "The client was disposed of before it could be sent.", null));
                return;
            }
            var hurry = Volatile.Read(ref _hurry).Task;
            var (delay, isRefusedWhole) = await Send(entries, Math.Min(limit, entries.Count), abandon).ConfigureAwait(false);
            limit = isRefusedWhole ? Math.Max(1, Math.Min(limit, entries.Count) / 2) : MaxBatch;
            if (delay > TimeSpan.Zero)
                await Wait(delay, hurry, abandon).ConfigureAwait(false);
        }
    }

    private async Task<(TimeSpan Delay, bool IsRefusedWhole)> Send(List<Entry> entries, int count, CancellationToken abandon)
    {
        var sent = entries.GetRange(0, count);
        var batch = new Batch(sent);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(abandon);
            limit.CancelAfter(options.RequestTimeout);
            using var request = Request(batch.Body);
            using var response = await clients().SendAsync(request, limit.Token).ConfigureAwait(false);
            var answer = await Read(response, limit.Token).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            if (response.IsSuccessStatusCode && answer?.Results?.Count == batch.Owners.Count)
                return (Settle(entries, batch, answer.Results), false);
            var message = answer?.Detail ?? $"The service answered with {status}.";
            // Wrong settings can be put right at the service while the process lives.
            var isSettings = status is 401 or 403 or 404;
            if (response.IsSuccessStatusCode || isSettings || IsForTheMoment(status))
            {
                Tell(new(message, status, null, true));
                return (isSettings ? MaxDelay : BackOff(response.Headers.RetryAfter), false);
            }
            // Something in it was refused as a whole: halves find out what.
            if (count == 1)
            {
                Drop(sent[0], message, status);
                entries.RemoveAt(0);
            }
            return (TimeSpan.Zero, true);
        }
        catch (Exception failure)
        {
            if (abandon.IsCancellationRequested)
                return (TimeSpan.Zero, false);
            Tell(new($"The service cannot be reached: {failure.Message}", null, null, true, failure));
            return (BackOff(null), false);
        }
    }

    /// <summary>Removes what is acknowledged or refused. Returns the delay after which the rest is sent again.</summary>
    private TimeSpan Settle(List<Entry> entries, Batch batch, IReadOnlyList<BatchResult> results)
    {
        var (mustWait, isSentAgain) = (false, false);
        for (var i = 0; i < results.Count; i++)
        {
            var (status, id, problem) = results[i];
            var entry = batch.Owners[i].Entry;
            if (entry is null)
            {
                batch.Owners[i].Chat.Id ??= id;
                mustWait |= IsForTheMoment(status);
            }
            else if (status is >= 200 and < 300)
            {
                if (entry is { Json: not null, Message: { } message })
                    message.Id = id;
                Interlocked.Increment(ref _acknowledged);
                entries.Remove(entry);
            }
            else if (IsForTheMoment(status))
            {
                mustWait = true;
            }
            else if (status == 404 && (mustWait || isSentAgain))
            {
                // It may be the consequence of an earlier item that is sent again.
            }
            else if ((status == 403 || problem?.Errors?.ContainsKey("createdAt") == true) && !entry.IsWithoutTime)
            {
                Batch.RemoveTime(entry);
                isSentAgain = true;
            }
            else
            {
                entries.Remove(entry);
                Drop(entry, problem?.Detail ?? "The service refused it.", status);
            }
        }
        if (mustWait && !isSentAgain)
            return BackOff(null);
        _failures = 0;
        return TimeSpan.Zero;
    }

    private HttpRequestMessage Request(byte[] body)
    {
        var isCompressed = body.Length > ShortestCompressed;
        var content = new ByteArrayContent(isCompressed ? Compress(body) : body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (isCompressed)
            content.Headers.ContentEncoding.Add("gzip");
        var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = content };
        request.Headers.Add("x-organization-api-key", _key);
        return request;
    }

    private static byte[] Compress(byte[] body)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
            gzip.Write(body);
        return compressed.ToArray();
    }

    private static async Task<BatchResponse?> Read(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync(ItemsJson.Default.BatchResponse, ct).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            // A proxy's page.
            return null;
        }
    }

    private static bool IsForTheMoment(int status) => status is 408 or 409 or 429 or >= 500;

    private TimeSpan BackOff(RetryConditionHeaderValue? retryAfter)
    {
        var delay = TimeSpan.FromSeconds(Math.Min(300, Math.Pow(2, Math.Min(_failures++, 10))) * (0.5 + Random.Shared.NextDouble()));
        var asked = retryAfter?.Delta ?? TimeSpan.Zero;
        return new[] { delay > asked ? delay : asked, MaxDelay }.Min();
    }

    private async Task Wait(TimeSpan delay, Task hurry, CancellationToken abandon)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(abandon);
        await Task.WhenAny(Task.Delay(delay, time, end.Token), hurry).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
    }

    private void Tell(ChatLoggerError error)
    {
        if (error.WillRetry)
            LogFailed(error.Message, error.Exception);
        else
            LogDropped(error.Message);
        try
        {
            options.OnError?.Invoke(error);
        }
        catch (Exception)
        {
            // The host's own error must not stop the queue.
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Messages could not be logged and will be sent again: {Reason}")]
    private partial void LogFailed(string reason, Exception? exception);

    [LoggerMessage(2, LogLevel.Warning, "A message was not logged: {Reason}")]
    private partial void LogDropped(string reason);
}
