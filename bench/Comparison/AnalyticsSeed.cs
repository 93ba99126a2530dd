using Dapper;
using Npgsql;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// Fills an organization with messages of the last 90 days, and two others with a tenth as many each, straight into the tables: more and
/// more over time, about twelve a chat, some visitors and tags far busier than others, latencies log-normal around 0.9 s, a rating for one
/// answer in forty and one chat in ten. The same each time.
/// </summary>
internal static class AnalyticsSeed
{
    public static async Task Run(NpgsqlDataSource source, string slug, int messages, CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        var org = await connection.ExecuteScalarAsync<Guid?>("select id from organizations where slug = @slug", new { slug })
            ?? throw new UsageException("There is no such organization in the database to fill.");
        if (await connection.ExecuteScalarAsync<long>("select count(*) from messages where org_id = @org", new { org }) >= messages)
            return;

        await Console.Error.WriteLineAsync("Seeding…");
        await Fill(connection, org, messages);
        foreach (var neighbour in (string[])["bench-neighbour-1", "bench-neighbour-2"])
            await Fill(connection, await Organization(connection, neighbour), messages / 10);
        await connection.ExecuteAsync("vacuum analyze chats, messages, feedback", commandTimeout: 0);
    }

    private static Task<Guid> Organization(NpgsqlConnection connection, string slug) => connection.ExecuteScalarAsync<Guid>(
        """
        insert into organizations (id, slug, name, created_at)
        values (gen_random_uuid(), @slug, 'Neighbour in the benchmark', now())
        on conflict (slug) do update set name = excluded.name
        returning id
        """,
        new { slug });

    // A message belongs to any chat that there was by then. Ids are UUIDv7, as the service makes them: what they do to the indexes matters.
    private static Task<int> Fill(NpgsqlConnection connection, Guid org, int messages) => connection.ExecuteAsync(
        """
        select setseed(0.42);

        create or replace function pg_temp.at(n float8, total float8) returns timestamptz language sql stable as
        $$ select date_trunc('milliseconds', now() - interval '90 days' * (1 - sqrt(n / total))) $$;

        create or replace function pg_temp.id(at timestamptz, hash text) returns uuid language sql immutable as
        $$ select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
            || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid $$;

        create temporary table seeded on commit drop as
        select n, pg_temp.id(pg_temp.at(n, @chats), md5('chat' || n || @org::text || now())) as id, pg_temp.at(n, @chats) as at
        from generate_series(0, @chats - 1) n;

        insert into chats (org_id, id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
        select @org, id, 'Chat no. ' || n,
               (select coalesce(array_agg(distinct tag), '{}')
                from (select (array['billing', 'bug', 'howto', 'sales', 'refund', 'login', 'api', 'mobile', 'web', 'urgent', 'feedback',
                    'other'])
                                 [1 + floor(12 * power(random() + 0 * n, 2))::int] as tag
                      from generate_series(1, floor(4 * random() + 0 * n)::int)) drawn),
               '{"channel":"web"}',
               case when n % 50 = 0 then (select id from users where org_id = @org order by created_at limit 1) end,
               case when random() >= 0.3 then 'visitor-' || floor(2000 * power(random(), 3))::int end,
               at, at
        from seeded;

        insert into messages (org_id, chat_id, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens,
            model, created_at)
        select @org, chat.id, pg_temp.id(message.at, md5('message' || message.n || @org::text || now())), role,
            left(repeat(md5(message.n::text) || ' lorem ipsum dolor sit amet ', 12), length),
               case when message.n % 4 = 0 then '{"temperature":0.7}' else '{}' end::json,
               case when role = 'assistant' then least(120000, greatest(20,
                   900 * exp(0.6 * sqrt(-2 * ln(u)) * cos(2 * pi() * v))))::int end,
               length / 4, case when role = 'assistant' then 3 * length end, case when role = 'assistant' then length / 4 end,
               case when role = 'assistant' then 'gpt-4o' end, message.at
        from (select n, pg_temp.at(n, @messages) as at, floor(random() * n * @chats / @messages)::int as chat,
                     case when r < 0.46 then 'user' when r < 0.94 then 'assistant' when r < 0.98 then 'tool' else 'system' end as role,
                     40 + floor(660 * l * l)::int as length, u, v
              from (select n, random() as r, random() as l, 1 - random() as u, random() as v
                  from generate_series(0, @messages - 1) n) drawn) message
        join seeded chat on chat.n = message.chat
        order by message.n;

        insert into feedback (org_id, target_id, chat_id, rating, at)
        select org_id, id, chat_id, case when n % 4 = 0 then 'down' else 'up' end, created_at + interval '1 second'
        from (select org_id, id, chat_id, created_at, row_number() over (order by seq) as n from messages where org_id = @org
            and role = 'assistant') answer
        where n % 40 = 0;

        insert into feedback (org_id, target_id, chat_id, rating, at)
        select @org, id, id, case when n % 30 = 0 then 'down' else 'up' end, at + interval '1 minute'
        from seeded
        where n % 10 = 0;
        """,
        new { org, messages, chats = Math.Max(1, messages / 12) },
        commandTimeout: 0);
}
