using System.Text.Json;
using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>Its writes wait as long as a busy machine needs.</summary>
public class CutWriteApp : ProxiedDatabaseApp
{
    private protected override string DatabaseDeadline => "00:01:00";
}

/// <summary>
/// The connection is lost in each phase of an insert, also while the old statement is still running and holds its locks: the request is
/// answered with 201, and there is exactly one row, the one that was acknowledged.
/// </summary>
public class CutWriteTests(CutWriteApp app) : IClassFixture<CutWriteApp>, IAsyncLifetime
{
    public enum Phase
    {
        BeforeItArrives,
        AfterTheLock,
        WhileItRuns,
        AfterTheCommit,
    }

    public static TheoryData<Phase, string, bool, bool> Cases()
    {
        var cases = new TheoryData<Phase, string, bool, bool>();
        foreach (var phase in Enum.GetValues<Phase>())
        {
            foreach (var table in new[] { "messages", "chats" })
            {
                foreach (var keyed in new[] { false, true })
                {
                    cases.Add(phase, table, keyed, false);
                    cases.Add(phase, table, keyed, true);
                }
            }
        }
        return cases;
    }

    // The first insert into a table blocks until the test releases it, with its locks held and its row not committed.
    public Task InitializeAsync() => app.Execute(
        """
        create sequence if not exists attempts;
        create table if not exists gate (is_open bool not null);
        delete from gate;
        insert into gate values (true);
        create or replace function wait_at_gate() returns trigger language plpgsql as $$
        begin
            if nextval('attempts') = 1 then
                while not (select is_open from gate) loop
                    perform pg_sleep(0.01);
                end loop;
            end if;
            return new;
        end $$;
        create or replace trigger wait_at_gate before insert on messages for each row execute function wait_at_gate();
        create or replace trigger wait_at_gate before insert on chats for each row execute function wait_at_gate();
        """);

    public Task DisposeAsync()
    {
        app.Proxy.Release();
        return app.Execute("update gate set is_open = true");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_write_whose_connection_is_cut_is_acknowledged_once_and_stored_once(
        Phase phase,
        string table,
        bool keyed,
        bool batch)
    {
        var acme = await Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        await acme.Say(chat, "before");
        await app.Execute(
            "select setval('attempts', 1, false); update gate set is_open = @IsOpen",
            new { IsOpen = phase != Phase.WhileItRuns });
        Task<bool> IsWritten() => app.Value<bool>($"select count(*) = 2 from {table} where org_id = @Id", new { acme.Id });

        if (phase == Phase.BeforeItArrives)
            app.Proxy.HoldRequests();
        if (phase == Phase.AfterTheLock)
            app.Proxy.HoldAnswersTo("and closed_at is null\norder by org_id");
        if (phase == Phase.AfterTheCommit)
            app.Proxy.HoldAnswersTo($"insert into {table}");
        var sent = app.Proxy.RequestBytes;
        var writing = Write(plugin, acme, chat, table, keyed ? $"{Guid.NewGuid()}" : null, batch);
        switch (phase)
        {
            case Phase.BeforeItArrives:
                await Wait.Until(() => Task.FromResult(app.Proxy.RequestBytes > sent));
                break;
            case Phase.AfterTheLock:
                await app.Until(Exists("state = 'idle in transaction'"));
                break;
            case Phase.WhileItRuns:
                await app.Until(Exists("wait_event = 'PgSleep'"));
                break;
            default:
                await Wait.Until(IsWritten);
                break;
        }
        app.Proxy.Cut();
        app.Proxy.Release();
        if (phase == Phase.WhileItRuns)
        {
            // The second attempt waits for the locks of the first.
            await Wait.Until(async () => writing.IsCompleted || await app.Value<bool>(Exists("wait_event_type = 'Lock'")));
            await app.Execute("update gate set is_open = true");
        }
        var (status, id) = await writing;

        Assert.Equal(201, status);
        Assert.True(await IsWritten());
        Assert.Equal(
            1,
            await app.Value<long>($"select count(*) from {table} where org_id = @OrgId and id = @Id", new { OrgId = acme.Id, Id = id }));
    }

    // A pool may still contain connections that the test before this one has cut.
    private async Task<Org> Org(string name)
    {
        Org? created = null;
        await Wait.Until(async () =>
        {
            app.Pools.ForEach(pool => pool.Clear());
            try
            {
                created = await app.Org(name);
                return true;
            }
            catch (NpgsqlException cut) when (cut.IsTransient)
            {
                return false;
            }
        });
        return created!;
    }

    private static string Exists(string waiting) =>
        $"select exists (select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and {waiting})";

    private static async Task<(int Status, Guid Id)> Write(Caller plugin, Org org, string chat, string table, string? key, bool batch)
    {
        if (batch)
        {
            object item = table == "chats"
                ? new { type = "chat", title = "a", idempotencyKey = key }
                : new { type = "message", chatId = chat, role = "user", content = "a", idempotencyKey = key };
            var result = (await plugin.Post($"{org.ApiPath}/batch", new { items = new[] { item } })).Is(207)["results"][0];
            return (
                result.GetProperty("status").GetInt32(),
                result.TryGetProperty("id", out var one) && one.ValueKind == JsonValueKind.String ? one.GetGuid() : default);
        }
        var answer = table == "chats"
            ? await Send(plugin, $"{org.ApiPath}/chats", new { title = "a" }, key)
            : await Send(plugin, $"{org.ApiPath}/chats/{chat}/messages", new { role = "user", content = "a" }, key);
        return (answer.Status, answer.Status == 201 ? Guid.Parse(answer.Text("id")) : default);
    }

    private static Task<Answer> Send(Caller plugin, string path, object body, string? key) =>
        plugin.Send(HttpMethod.Post, path, Caller.Json(JsonSerializer.SerializeToUtf8Bytes(body)), request =>
        {
            if (key is not null)
                request.Headers.Add("Idempotency-Key", key);
        });
}
