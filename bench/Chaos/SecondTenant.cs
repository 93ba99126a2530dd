using System.Globalization;
using System.Net.Http.Json;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>Another organization with many messages, and its admin.</summary>
internal sealed class SecondTenant : IDisposable
{
    public const string Slug = "neighbour";
    public const string Email = "ann@neighbour.example";
    public const int Chats = 500;
    public const int Messages = 100_000;

    private static readonly TimeSpan SettleTimeout = TimeSpan.FromMinutes(2);

    private readonly HttpClient http;
    private readonly DashboardClient admin;

    private SecondTenant(HttpClient http, DashboardClient admin) => (this.http, this.admin) = (http, admin);

    public static async Task<SecondTenant> Of(TestEnvironment site)
    {
        var http = new HttpClient
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{site.Service.Port}/")),
            Timeout = TimeSpan.FromSeconds(30),
        };
        var timeout = new Http.RetryPolicy(TimeProvider.System);
        if (await site.Postgres.Count($"select count(*) from organizations where slug = '{Slug}'") == 0)
        {
            var superadmin = await DashboardClient.LogIn(http, TestEnvironment.Email, site.Password, timeout);
            using var made = await http.SendAsync(Ask(superadmin, HttpMethod.Post, "orgs", new { slug = Slug, name = "Second tenant" }));
            made.EnsureSuccessStatusCode();
            var ann = new { email = Email, name = "Ann", role = "admin", password = site.Password };
            using var joined = await http.SendAsync(Ask(superadmin, HttpMethod.Post, $"orgs/{Slug}/users", ann));
            joined.EnsureSuccessStatusCode();
            await site.Postgres.Execute(string.Create(CultureInfo.InvariantCulture, $"""
                with org as (select id from organizations where slug = '{Slug}'),
                made as (
                    insert into chats (org_id, id, title, created_at, updated_at)
                    select org.id, gen_random_uuid(), 'a chat', now(), now() from org, generate_series(1, {Chats})
                    returning org_id, id)
                insert into messages (org_id, chat_id, id, role, content, created_at)
                select org_id, made.id, gen_random_uuid(), 'user', repeat(md5(random()::text), 6), now()
                    from made, generate_series(1, {Messages / Chats});
                analyze messages;
                """));
        }
        return new SecondTenant(http, await DashboardClient.LogIn(http, Email, site.Password, timeout));
    }

    /// <summary>Waits until everything is aggregated and indexed, which runs concurrently with what the drill measures.</summary>
    public static async Task Settles(TestEnvironment site)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (await site.Postgres.Count($"""
            select count(*)
            from followers f
            join organizations o on o.id = f.org_id
            where o.slug = '{Slug}'
              and f.seq >= (select max(m.seq) from messages m where m.org_id = o.id)
            """) < 2)
        {
            if (TimeProvider.System.GetElapsedTime(since) > SettleTimeout)
                throw new UsageException("The neighbour's messages are not counted and indexed.");
            await Task.Delay(100);
        }
    }

    public Task<HttpResponseMessage> Send(HttpMethod method, string path, object? body = null) =>
        http.SendAsync(Ask(admin, method, path, body));

    public string Cookie => admin.Cookie;

    /// <summary>Exports everything; returns the path of the file.</summary>
    public async Task<string> Export(TestEnvironment site)
    {
        using var asked = await Send(HttpMethod.Post, "exports/orgs/me", new { format = "jsonl" });
        var path = asked.Headers.Location?.OriginalString.TrimStart('/') ?? throw new UsageException("The export was answered with "
            + $"{(int)asked.StatusCode}.");
        while (await site.Postgres.Count($"select count(*) from exports where id = '{path.Split('/')[^1]}' and state = 'done'") == 0)
            await Task.Delay(50);
        return path;
    }

    /// <summary>A key of its own for a plugin.</summary>
    public async Task<string> Key()
    {
        using var made = await Send(HttpMethod.Post, "orgs/me/apikeys", new { label = "drill" });
        made.EnsureSuccessStatusCode();
        return Problem.Text(await Problem.Json(made), "key") ?? throw new UsageException("The neighbour got no key.");
    }

    public Task<HttpResponseMessage> SendAnonymously(string path, object body) =>
        http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);

    public void Dispose() => http.Dispose();

    private static HttpRequestMessage Ask(DashboardClient admin, HttpMethod method, string path, object? body)
    {
        var request = admin.Ask(path);
        request.Method = method;
        if (body is not null)
            request.Content = JsonContent.Create(body);
        return request;
    }
}
