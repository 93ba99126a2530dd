using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace ChatLogger.Bench.Http;

internal enum Outcome
{
    Acknowledged,

    /// <summary>The service answered no.</summary>
    Refused,

    /// <summary>Sent, but no answer: it may have been logged or not.</summary>
    Unknown,

    /// <summary>Never sent, there is no connection.</summary>
    Unreachable,
}

internal sealed record Answer(Outcome Outcome, string Id, Problem? Problem, string Reason, TimeSpan Latency);

/// <summary>Where a plugin logs chats and messages, with the API key of its organization.</summary>
internal sealed class PluginDoor(HttpClient http, string slug, string key, Patience patience)
{
    private readonly string root = $"api/v1/orgs/{Uri.EscapeDataString(slug)}/chats";

    public Task<Answer> CreateChat(byte[] body, CancellationToken stop) => Post(root, body, stop);

    public Task<Answer> AddMessage(string chatId, byte[] body, CancellationToken stop) =>
        Post($"{root}/{Uri.EscapeDataString(chatId)}/messages", body, stop);

    private async Task<Answer> Post(string path, byte[] body, CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var response = await patience.Send(http, Ask, repeatable: false, stop);
            var latency = Stopwatch.GetElapsedTime(started);
            if (response.StatusCode != HttpStatusCode.Created)
                return new Answer(Outcome.Refused, "", await Problem.Of(response), "", latency);

            return Problem.Text(await Problem.Json(response), "id") is { } id
                ? new Answer(Outcome.Acknowledged, id, null, "", latency)
                : new Answer(Outcome.Refused, "", new Problem(201, "no id in the answer", ""), "", latency);
        }
        catch (JsonException)
        {
            return new Answer(Outcome.Refused, "", new Problem(201, "the answer is not JSON", ""), "", TimeSpan.Zero);
        }
        catch (HttpRequestException e)
        {
            return new Answer(Patience.NeverSent(e) ? Outcome.Unreachable : Outcome.Unknown, "", null, e.InnerException?.Message ?? e.Message, TimeSpan.Zero);
        }
        catch (TaskCanceledException)
        {
            return new Answer(Outcome.Unknown, "", null, "no answer in time", TimeSpan.Zero);
        }

        HttpRequestMessage Ask()
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
