using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace ChatLogger.Bench.Http;

internal enum Outcome
{
    Acknowledged,

    /// <summary>The service refused it.</summary>
    Refused,

    /// <summary>Sent, but without a response: it may have been logged or not.</summary>
    Unknown,

    /// <summary>Never sent, there is no connection.</summary>
    Unreachable,
}

internal sealed record Answer(Outcome Outcome, string Id, Problem? Problem, string Reason, TimeSpan Latency);

/// <summary>Logs chats and messages through the plugin API, with the API key of the organization.</summary>
internal sealed class PluginClient(HttpClient http, string slug, string key, RetryPolicy timeout)
{
    private const int BatchAttempts = 8;

    private readonly string root = $"api/v1/orgs/{Uri.EscapeDataString(slug)}/chats";
    private readonly string batch = $"api/v1/orgs/{Uri.EscapeDataString(slug)}/batch";

    public Task<Answer> CreateChat(byte[] body, CancellationToken stop) => Post(root, body, stop);

    public Task<Answer> AddMessage(string chatId, byte[] body, CancellationToken stop) =>
        Post($"{root}/{Uri.EscapeDataString(chatId)}/messages", body, stop);

    public async Task<Answer> Post(string path, byte[] body, CancellationToken stop) =>
        (
            await Ask(
                path,
                body,
                HttpStatusCode.Created,
                repeatable: false,
                (json, latency) =>
                    [
                        Problem.Text(json, "id") is { } id
                            ? new Answer(Outcome.Acknowledged, id, null, "", latency)
                            : new Answer(Outcome.Refused, "", new Problem(201, "no id in the answer", ""), "", latency),
                    ],
                stop)
        )[0];

    /// <summary>
    /// Logs many things in one request; an answer for each, or a single one when the whole was refused or has no answer. Each has a key of
    /// its own, so that the client sends the whole again where an outcome is unknown or an item must be retried later.
    /// </summary>
    public async Task<List<Answer>> Batch(IReadOnlyList<byte[]> items, CancellationToken stop)
    {
        byte[] body = [.. """{"items":["""u8, .. items.SelectMany((item, n) => n == 0 ? item : [(byte)',', .. item]), .. "]}"u8];
        for (var attempt = 1; ; attempt++)
        {
            var answers = await Batch(batch, body, items.Count, stop);
            if (
                attempt == BatchAttempts
                || stop.IsCancellationRequested
                || !answers.Exists(answer => answer.Problem?.Status is 409 or 503 || answer.Outcome == Outcome.Unknown))
                return answers;
            await Task.Delay(TimeSpan.FromSeconds(1), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task<List<Answer>> Batch(string path, byte[] body, int count, CancellationToken stop) =>
        Ask(
            path,
            body,
            HttpStatusCode.MultiStatus,
            repeatable: true,
            (json, latency) =>
                json.TryGetProperty("results", out var results)
                && results.ValueKind == JsonValueKind.Array
                && results.GetArrayLength() == count
                    ? [.. results.EnumerateArray().Select(result => Read(result, latency))]
                    : [new Answer(Outcome.Refused, "", new Problem(207, "not a result for each item", ""), "", latency)],
            stop);

    private static Answer Read(JsonElement result, TimeSpan latency) =>
        Problem.Text(result, "id") is { } id
            ? new Answer(Outcome.Acknowledged, id, null, "", latency)
            : new Answer(
                Outcome.Refused,
                "",
                result.TryGetProperty("problem", out var problem) ? Problem.Of(problem) : new Problem(207, "no problem", ""),
                "",
                latency);

    private async Task<List<Answer>> Ask(
        string path,
        byte[] body,
        HttpStatusCode success,
        bool repeatable,
        Func<JsonElement, TimeSpan, List<Answer>> read,
        CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var response = await timeout.Send(http, Request, repeatable, stop);
            var latency = Stopwatch.GetElapsedTime(started);
            return response.StatusCode == success
                ? read(await Problem.Json(response), latency)
                : [new Answer(Outcome.Refused, "", await Problem.Of(response), "", latency)];
        }
        catch (JsonException)
        {
            return [new Answer(Outcome.Refused, "", new Problem((int)success, "the answer is not JSON", ""), "", TimeSpan.Zero)];
        }
        catch (HttpRequestException e)
        {
            return
            [
                new Answer(
                    RetryPolicy.NeverSent(e) ? Outcome.Unreachable : Outcome.Unknown,
                    "",
                    null,
                    e.InnerException?.Message ?? e.Message,
                    TimeSpan.Zero),
            ];
        }
        catch (TaskCanceledException)
        {
            return [new Answer(Outcome.Unknown, "", null, "no answer in time", TimeSpan.Zero)];
        }

        HttpRequestMessage Request()
        {
            // The clock starts with the attempt that is answered, not with the waiting before it.
            started = Stopwatch.GetTimestamp();
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("x-organization-api-key", key);
            return request;
        }
    }
}
