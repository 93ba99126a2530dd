using ChatLogger.Client;

namespace ChatLogger.Tests.Clients;

/// <summary>A client of the service for one organization, and what its members read.</summary>
internal sealed class LogOrg(Org org, string key, Caller admin)
{
    public static async Task<LogOrg> Of(App app)
    {
        var acme = await app.Org("acme");
        return new(acme, await acme.Key(), await acme.Admin());
    }

    public List<ChatLoggerError> Errors { get; } = [];

    public IEnumerable<ChatLoggerError> Dropped => Errors.Where(error => !error.WillRetry);

    public ChatLoggerClient Client(HttpMessageHandler? handler = null, Action<ChatLoggerClientOptions>? change = null)
    {
        var options = new ChatLoggerClientOptions();
        Configure(options);
        change?.Invoke(options);
        return new(options, handler is null ? null : new HttpClient(handler));
    }

    public void Configure(ChatLoggerClientOptions options) =>
        (options.Url, options.Slug, options.Key, options.OnError) = (org.App.Address, org.Slug, key, error =>
        {
            lock (Errors)
                Errors.Add(error);
        }
    );

    public async Task<Answer> Chat(ChatLoggerChat chat) => (await admin.Get($"/orgs/me/chats/{chat.Id}")).Is(200);

    public async Task<System.Text.Json.JsonElement[]> Messages(Guid? chatId) =>
        [.. (await admin.Get($"/orgs/me/chats/{chatId}/messages?limit=200")).Is(200)["items"].EnumerateArray()];

    /// <summary>The roles and contents of the messages of a chat.</summary>
    public async Task<string[]> Said(ChatLoggerChat chat) =>
        [.. (await Messages(chat.Id)).Select(message => $"{message.GetProperty("role")}: {message.GetProperty("content")}")];

    public async Task<System.Text.Json.JsonElement[]> Chats() =>
        [.. (await admin.Get("/orgs/me/chats?limit=200")).Is(200)["items"].EnumerateArray()];
}
