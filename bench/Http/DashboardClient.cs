using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ChatLogger.Bench.Http;

/// <summary>Reads the chats of the organization through the dashboard API, with a member's session.</summary>
internal sealed class DashboardClient
{
    private readonly HttpClient http;
    private readonly RetryPolicy timeout;
    private readonly string cookie;
    private long pages;

    private DashboardClient(HttpClient http, RetryPolicy timeout, string cookie)
    {
        this.http = http;
        this.timeout = timeout;
        this.cookie = cookie;
    }

    /// <summary>As it is sent.</summary>
    public string Cookie => cookie;

    public long PagesRead => Interlocked.Read(ref pages);

    public static async Task<DashboardClient> LogIn(
        HttpClient http,
        string email,
        string password,
        RetryPolicy timeout,
        CancellationToken stop = default)
    {
        using var response = await timeout.Send(http, Ask, repeatable: true, stop);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new ServiceException($"The login was refused: {await Problem.Of(response)}");

        // By hand, as a cookie container would never send a Secure cookie over plain http, not even to this very machine.
        var pairs = response.Headers.TryGetValues("Set-Cookie", out var values) ? values.Select(value => value.Split(';')[0].Trim()) : [];
        var cookie = pairs.FirstOrDefault(pair => pair.Split('=')[0] is "chatlogger" or "__Host-chatlogger");
        return new DashboardClient(http, timeout, cookie ?? throw new ServiceException("The login was answered without a session cookie."));

        HttpRequestMessage Ask() => new(HttpMethod.Post, "auth/login") { Content = JsonContent.Create(new { email, password }) };
    }

    public IAsyncEnumerable<JsonElement> Chats(CancellationToken stop) => Items("orgs/me/chats", stop);

    public IAsyncEnumerable<JsonElement> Messages(string chatId, CancellationToken stop) =>
        Items($"orgs/me/chats/{Uri.EscapeDataString(chatId)}/messages", stop);

    private async IAsyncEnumerable<JsonElement> Items(string path, [EnumeratorCancellation] CancellationToken stop)
    {
        // An item that is listed twice is handed on twice; only pages that bring nothing new any more end the listing.
        var seen = new HashSet<string>();
        string? cursor = null;
        do
        {
            var page = await Page(cursor is null ? $"{path}?limit=200" : $"{path}?limit=200&cursor={Uri.EscapeDataString(cursor)}", stop);
            var next = Problem.Text(page, "nextCursor");
            if (!page.TryGetProperty("items", out var items) || items.ValueKind != JsonValueKind.Array)
                throw new ServiceException($"A page of {path} has no items.");

            var news = 0;
            foreach (var item in items.EnumerateArray())
            {
                news += seen.Add(Problem.Text(item, "id") ?? throw new ServiceException($"An item of {path} has no id.")) ? 1 : 0;
                yield return item;
            }
            if (next is not null && (news == 0 || next == cursor))
                throw new ServiceException($"The pages of {path} go in circles.");
            cursor = next;
        }
        while (cursor is not null);
    }

    private async Task<JsonElement> Page(string address, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using var response = await timeout.Send(http, () => Ask(address), repeatable: true, stop);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            throw new SessionEndedException();
        if (response.StatusCode != HttpStatusCode.OK)
            throw new ServiceException((await Problem.Of(response)).ToString());
        Interlocked.Increment(ref pages);
        try
        {
            var page = await Problem.Json(response);
            return page.ValueKind == JsonValueKind.Object ? page : throw new ServiceException("A page is not an object.");
        }
        catch (JsonException)
        {
            throw new ServiceException("A page is not JSON, or a member stands twice in it.");
        }
    }

    /// <summary>A GET with the member's session.</summary>
    public HttpRequestMessage Ask(string address)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Add("Cookie", cookie);
        return request;
    }
}

internal sealed class SessionEndedException() : Exception("The session ended before the comparison did.");
