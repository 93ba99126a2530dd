using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>Many Idempotency-Keys in a short time, of which the planner knows nothing yet.</summary>
public class FreshKeysTests(IdleApp app) : IClassFixture<IdleApp>
{
    private const int Requests = 60;

    [Fact]
    public async Task A_key_is_found_by_itself_whatever_the_planner_believes()
    {
        await app.Execute("alter table idempotency_keys set (autovacuum_enabled = false)");
        await (await app.Org("globex")).Chat();
        await app.Execute("analyze idempotency_keys");
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var chat = await acme.Chat();
        await app.Execute(
            """
            insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at)
            select @Id, 'messages', gen_random_uuid(), 'key-' || n, sha256('x'), gen_random_uuid(), now()
            from generate_series(1, 20000) n
            """,
            new { acme.Id });
        var before = await KeysRead();

        for (var number = 0; number < Requests; number++)
        {
            for (var time = 0; time < 2; time++)
            {
                (await plugin.Send(
                    HttpMethod.Post,
                    $"{acme.ApiPath}/chats/{chat}/messages",
                    Caller.Json("{\"role\":\"user\",\"content\":\"x\"}"u8.ToArray()),
                    request => request.Headers.Add("Idempotency-Key", $"a-{number}"))).Is(201);
            }
        }

        // A few for each; to look through all keys of the day would be a million.
        Assert.InRange(await KeysRead() - before, Requests, 20 * Requests);
    }

    private async Task<long> KeysRead()
    {
        await app.EndSessions();
        return await app.OnNodes(
            """
            select (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where relname like 'idempotency_keys%')::bigint
                + (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes where relname like 'idempotency_keys%')::bigint
            """);
    }
}
