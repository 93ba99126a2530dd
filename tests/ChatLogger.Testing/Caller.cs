using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace ChatLogger.Testing;

/// <summary>A client with a credential, or without one, that sends raw JSON over HTTP.</summary>
internal sealed class Caller(HttpClient http, string? header = null, string? value = null)
{
    public Caller WithKey(string key) => new(http, "x-organization-api-key", key);

    public Caller WithCookie(string cookie) => new(http, "Cookie", cookie);

    public Caller WithToken(string token) => new(http, "Authorization", $"Bearer {token}");

    /// <summary>The credential as it is sent.</summary>
    public string? Credential => value;

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> Delete(string path) => Send(HttpMethod.Delete, path);

    public Task<Answer> Post(string path, object? body = null) => Send(HttpMethod.Post, path, body);

    public Task<Answer> Patch(string path, object body) => Send(HttpMethod.Patch, path, body);

    /// <summary>A body that is a string is sent as it is; anything else as the JSON it stands for.</summary>
    public Task<Answer> Send(HttpMethod method, string path, object? body = null) => Send(
        method,
        path,
        body switch
        {
            null => null,
            HttpContent content => content,
            byte[] bytes => Json(bytes),
            string text => Json(Encoding.UTF8.GetBytes(text)),
            _ => Json(JsonSerializer.SerializeToUtf8Bytes(body)),
        },
        _ => { });

    public async Task<Answer> Send(HttpMethod method, string path, HttpContent? content, Action<HttpRequestMessage> change)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (header is not null)
            request.Headers.TryAddWithoutValidation(header, value);
        change(request);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await Answer.Read(response);
    }

    public static ByteArrayContent Json(byte[] bytes)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}

/// <summary>What came back: status, headers and body.</summary>
internal sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    private JsonElement? _json;

    public JsonElement Json => _json ??= JsonDocument.Parse(Body).RootElement;

    public static async Task<Answer> Read(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        // A stream has no end, so there is nothing to wait for.
        response.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await response.Content.ReadAsStringAsync(),
        response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase));

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public JsonElement this[string member] => Json.GetProperty(member);

    public string Text(string member) => this[member].GetString()!;

    /// <summary>Fails the test with the body when the status is another.</summary>
    public Answer Is(int status)
    {
        Assert.True(Status == status, $"Expected {status}, got {Status}: {Body}");
        return this;
    }

    /// <summary>A problem of this status and type, complete in its form.</summary>
    public Answer IsProblem(int status, string type)
    {
        Is(status);
        Assert.Equal("application/problem+json", Header("Content-Type"));
        Assert.Equal(type, Text("type"));
        Assert.Equal(status, this["status"].GetInt32());
        Assert.NotEmpty(Text("title"));
        Assert.NotEmpty(Text("detail"));
        Assert.NotEmpty(Text("traceId"));
        return this;
    }

    /// <summary>A 400 that blames this member.</summary>
    public Answer IsInvalid(string path)
    {
        IsProblem(400, "validation");
        Assert.True(this["errors"].TryGetProperty(path, out var sentences), $"No error for {path}: {Body}");
        Assert.NotEmpty(sentences.EnumerateArray());
        return this;
    }

    /// <summary>The problem without what differs between two requests.</summary>
    public string Comparable => System.Text.RegularExpressions.Regex.Replace(Body, "\"traceId\":\"[^\"]*\"", "");
}
