using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Features.Live;

/// <summary>A service that polls and sends comments often.</summary>
public sealed class LiveApp : App
{
    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Live:PollInterval"] = "00:00:00.050",
                ["Live:Heartbeat"] = "00:00:01",
                ["RateLimits:Members:PerSecond"] = "1000000",
                ["Purge:Interval"] = "01:00:00",
            });
}

/// <summary>An event as a client reads it.</summary>
internal sealed record Told(string Event, string Id, string? ChatId, string? MessageId)
{
    /// <summary>Without the id, to compare.</summary>
    public (string Event, string? ChatId, string? MessageId) What => (Event, ChatId, MessageId);
}

/// <summary>A client that follows an organization.</summary>
internal sealed class LiveReader : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private StreamReader _lines = null!;

    public HttpResponseMessage Response { get; private set; } = null!;

    /// <summary>The last id that came, with or without an event.</summary>
    public string LastId { get; private set; } = "";

    public static async Task<LiveReader> Open(Uri address, Caller caller, string path = "/orgs/me/live", string? lastEventId = null)
    {
        var reader = new LiveReader();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        request.Headers.TryAddWithoutValidation("Cookie", caller.Credential);
        if (lastEventId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        reader.Response = await Wait.For(reader._http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        reader._lines = new StreamReader(await reader.Response.Content.ReadAsStreamAsync());
        return reader;
    }

    /// <summary>The next event; null at the end of the stream. Comments do not make it wait for ever.</summary>
    public Task<Told?> NextOrEnd() => Wait.For(ReadEvent());

    public async Task<Told> Next() => await NextOrEnd() ?? throw new InvalidOperationException("The stream has ended.");

    public async Task<List<(string, string?, string?)>> Next(int count)
    {
        var told = new List<(string, string?, string?)>();
        while (told.Count < count)
            told.Add((await Next()).What);
        return told;
    }

    /// <summary>The next line, comments included.</summary>
    public Task<string?> Line() => Wait.For(_lines.ReadLineAsync());

    public void Dispose()
    {
        Response.Dispose();
        _http.Dispose();
    }

    private async Task<Told?> ReadEvent()
    {
        string? name = null;
        var data = "{}";
        while (await _lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line[7..];
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
                LastId = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = line[6..];
            else if (line.Length == 0 && name is not null)
                return Read(name, data);
        }
        return null;
    }

    private Told Read(string name, string data)
    {
        var json = System.Text.Json.JsonDocument.Parse(data).RootElement;
        string? Text(string member) => json.TryGetProperty(member, out var value) ? value.GetString() : null;
        return new(name, LastId, Text("chatId"), Text("messageId"));
    }
}
