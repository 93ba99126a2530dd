using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ChatLogger.Bench.Http;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>Reads all that is stored: by SQL, bypassing the service, and through the service as an admin.</summary>
internal sealed class Reader(HttpClient http, TestEnvironment site)
{
    private static readonly TimeSpan ExportTimeout = TimeSpan.FromMinutes(5);

    public async Task<List<Row>> Tables()
    {
        var org = (await site.Postgres.Ids($"select id from organizations where slug = '{TestEnvironment.Slug}'"))[0];
        await using var connection = await site.Postgres.Connect();
        await using var command = new NpgsqlCommand(
            """
            select 0, id, null, coalesce(title, ''), 0::bigint
            from chats
            where org_id = $1 and deleted_at is null
            union all
            select 1, id, chat_id, content, seq
            from messages
            where org_id = $1
            order by 1, 3, 5
            """,
            connection);
        command.Parameters.AddWithValue(org);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<Row>();
        while (await reader.ReadAsync())
        {
            rows.Add(new(
                (Kind)reader.GetInt32(0),
                reader.GetGuid(1).ToString(),
                await reader.IsDBNullAsync(2) ? null : reader.GetGuid(2).ToString(),
                reader.GetString(3)));
        }
        return rows;
    }

    /// <summary>A jsonl file, at once or when it is done.</summary>
    public async Task<List<Row>> Export()
    {
        var admin = await LogIn();
        var ask = admin.Ask($"exports/orgs/{TestEnvironment.Slug}");
        ask.Method = HttpMethod.Post;
        ask.Content = JsonContent.Create(new { format = "jsonl" });
        using var asked = await http.SendAsync(ask);
        if (asked.StatusCode == HttpStatusCode.OK)
            return await Rows(asked);
        var path =
            asked.StatusCode == HttpStatusCode.Accepted
                ? asked.Headers.Location!.OriginalString.TrimStart('/')
                : throw new ServiceException($"The export was refused: {await Problem.Of(asked)}");

        for (
            var since = TimeProvider.System.GetTimestamp();
            TimeProvider.System.GetElapsedTime(since) < ExportTimeout;
            await Task.Delay(200))
        {
            using var answer = await http.SendAsync(admin.Ask(path));
            if (answer.StatusCode == HttpStatusCode.OK)
                return await Rows(answer);
            if (answer.StatusCode != HttpStatusCode.Accepted)
                throw new ServiceException($"The export came to nothing: {await Problem.Of(answer)}");
        }
        throw new ServiceException("The export was never done.");
    }

    /// <summary>Chats and messages, as analytics counts them.</summary>
    public async Task<(long Chats, long Messages)> Summary()
    {
        var admin = await LogIn();
        using var answer = await http.SendAsync(admin.Ask($"analytics/orgs/{TestEnvironment.Slug}/summary"));
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new ServiceException($"The summary was refused: {await Problem.Of(answer)}");
        var totals = (await Problem.Json(answer)).GetProperty("totals");
        return (totals.GetProperty("chats").GetInt64(), totals.GetProperty("messages").GetInt64());
    }

    private Task<DashboardClient> LogIn() =>
        DashboardClient.LogIn(http, TestEnvironment.Email, site.Password, new RetryPolicy(TimeProvider.System));

    private static async Task<List<Row>> Rows(HttpResponseMessage file)
    {
        using var lines = new StreamReader(await file.Content.ReadAsStreamAsync(), new UTF8Encoding(false, throwOnInvalidBytes: true));
        var rows = new List<Row>();
        while (await lines.ReadLineAsync() is { } line)
        {
            using var chat = JsonDocument.Parse(line);
            var id = chat.RootElement.GetProperty("id").GetString()!;
            rows.Add(new(Kind.Chat, id, null, Problem.Text(chat.RootElement, "title") ?? ""));
            foreach (var message in chat.RootElement.GetProperty("messages").EnumerateArray())
                rows.Add(new(Kind.Message, message.GetProperty("id").GetString()!, id, message.GetProperty("content").GetString()!));
        }
        return rows;
    }
}
