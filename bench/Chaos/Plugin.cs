using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>An answer, or what came instead of one (Status 0). Replayed: the service says that it had it already.</summary>
internal sealed record Reply(OperationStatus OperationStatus, int Status, string Id, bool Replayed, string Reason, TimeSpan Took);

/// <summary>Sends an operation once, and says what is known afterwards.</summary>
internal sealed class Plugin(HttpClient http, string slug, string key)
{
    private static readonly string[] Tags = ["drill"];
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public async Task<Reply> Send(Operation operation)
    {
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            using var request = Request(operation);
            using var response = await http.SendAsync(request);
            var took = TimeProvider.System.GetElapsedTime(started);
            var status = (int)response.StatusCode;
            if (response.StatusCode == HttpStatusCode.Created)
            {
                return Problem.Text(await Problem.Json(response), "id") is { } id
                    ? new(OperationStatus.Acknowledged, status, id, response.Headers.Contains("Idempotent-Replayed"), "", took)
                    : Open(status, "201 without an id", took);
            }
            var problem = (await Problem.Of(response)).ToString();
            // "Retry later" says nothing about the outcome; 409 means that a request with the same key is still in flight.
            return status is >= 400 and < 500 and not (408 or 409 or 429)
                ? new(OperationStatus.Refused, status, "", false, problem, took)
                : Open(status, problem, took);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException or JsonException)
        {
            return Open(0, (e.InnerException ?? e).Message, TimeProvider.System.GetElapsedTime(started));
        }
        catch (TaskCanceledException)
        {
            return Open(0, "no answer in time", TimeProvider.System.GetElapsedTime(started));
        }

        static Reply Open(int status, string reason, TimeSpan took) => new(OperationStatus.Unknown, status, "", false, reason, took);
    }

    private HttpRequestMessage Request(Operation operation)
    {
        var path = operation.Kind == Kind.Chat ? "chats" : $"chats/{operation.ChatId}/messages";
        var body = operation.Kind == Kind.Chat
            ? JsonSerializer.SerializeToUtf8Bytes(new { title = operation.Text, tags = Tags }, Plain)
            : JsonSerializer.SerializeToUtf8Bytes(new { role = operation.Role, content = operation.Text }, Plain);
        var request = new HttpRequestMessage(HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"api/v1/orgs/{slug}/{path}"))
        {
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("x-organization-api-key", key);
        request.Headers.Add("Idempotency-Key", operation.Key);
        return request;
    }
}
