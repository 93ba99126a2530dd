using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.SearchIndex;
using ChatLogger.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Tests.Features.Organizations;

/// <summary>A service without background purging, aggregation and exports: tests run them explicitly.</summary>
public sealed class OrganizationsApp : App
{
    internal IEnumerable<IOrganizationPurger> Kept => Services.GetServices<IOrganizationPurger>();

    /// <summary>The job of an instance that purges deleted organizations.</summary>
    internal PurgeOrganizations Purge(
        IEnumerable<IOrganizationPurger>? kept = null,
        PurgeSettings? settings = null,
        NpgsqlDataSource? db = null) =>
        new(
            db ?? Services.GetRequiredService<NpgsqlDataSource>(),
            kept ?? Kept,
            Services.GetRequiredService<OrganizationLog>(),
            settings ?? new PurgeSettings { GracePeriod = TimeSpan.Zero },
            new Logger<PurgeOrganizations>(Services.GetRequiredService<ILoggerFactory>()));

    /// <summary>The job of an instance that purges deleted chats.</summary>
    internal PurgeChats PurgeChats(NpgsqlDataSource? db = null, PurgeSettings? settings = null) => new(
        db ?? Services.GetRequiredService<NpgsqlDataSource>(),
        db is null ? Services.GetRequiredService<SearchPurger>() : new SearchPurger(db),
        Services.GetRequiredService<WebhookPurger>(),
        Services.GetRequiredService<KeyPurger>(),
        Services.GetRequiredService<GonePieces>(),
        settings ?? new PurgeSettings(),
        Services.GetRequiredService<Engine>(),
        new Logger<PurgeChats>(Services.GetRequiredService<ILoggerFactory>()));

    internal Task<bool> IsPurged(Org org) => Value<bool>("select purged_at is not null from organizations where id = @Id", new { org.Id });

    /// <summary>What the audit log has of an organization itself, oldest first.</summary>
    internal Task<string?> Events(Org org) =>
        Value<string>(
            "select string_agg(action, ' ' order by at, id) from audit_events where org_id = @Id and target_type = 'organization' and "
                + "target_id = @Id::text",
            new { org.Id });

    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
        new Dictionary<string, string?>
        {
            ["Purge:Interval"] = "01:00:00",
            ["Exports:Workers"] = "0",
            ["Feed:PollInterval"] = "01:00:00",
            ["Search:PollInterval"] = "00:01:00",
        });
}

internal static class OrganizationFixture
{
    /// <summary>Inserts a row of everything that an organization stores directly into the database.</summary>
    public static async Task<Person> Fill(this Org org, int messages = 3)
    {
        var member = await org.Member("user");
        await org.Key();
        await org.App.Execute(
            """
            insert into chats (org_id, id, user_id, created_at, updated_at)
            select @Org, gen_random_uuid(), @Member, now(), now()
            from generate_series(1, 2);
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select org_id, id, gen_random_uuid(), 'user', 'Hello ' || n, now()
            from chats, generate_series(1, @Messages) n
            where org_id = @Org;
            insert into search_chunks (org_id, chat_id, first_seq, last_seq, created_at, tokens)
            select org_id, chat_id, seq, seq, now(), '{1,2,3}'
            from messages
            where org_id = @Org;
            insert into search_index (org_id, chat_id, first_seq, last_seq, messages, created_at, tokens)
            select org_id, chat_id, seq, seq, 1, now(), '{1,2,3}'
            from messages
            where org_id = @Org;
            insert into search_terms (org_id, term, token)
            select @Org, 'hello' || n, n
            from generate_series(1, 3) n;
            insert into search_stale_tokens (org_id, token)
            values (@Org, 4);
            insert into feedback (org_id, target_id, chat_id, rating, at)
            select org_id, id, chat_id, 'up', now()
            from messages
            where org_id = @Org;
            insert into feedback_replaced (org_id, seq, chat_id, rating, at)
            select org_id, 0, id, 'down', now()
            from chats
            where org_id = @Org;
            insert into webhooks (org_id, id, url, events, with_content, idle_minutes, description, state, secret, created_at)
            values (@Org, gen_random_uuid(), 'https://hooks.example', '{chat.idle}', true, 30, '', 'paused', '\x00', now());
            insert into webhook_offsets (org_id, webhook_id, seq, jobs_from, jobs_at)
            select org_id, id, 0, now(), now()
            from webhooks
            where org_id = @Org;
            insert into webhook_deliveries (
                org_id, id, webhook_id, event, seq, chat_id, subject_id, happened_at, created_at, status, next_attempt_at
            )
            select c.org_id, c.id, w.id, 'chat.idle', c.seq, c.id, c.id, now(), now(), 'pending', now()
            from chats c
            join webhooks w on w.org_id = c.org_id
            where c.org_id = @Org;
            insert into webhook_idle (org_id, webhook_id, chat_id, seq, due_at)
            select c.org_id, w.id, c.id, c.seq, now()
            from chats c
            join webhooks w on w.org_id = c.org_id
            where c.org_id = @Org;
            insert into erasures (org_id, id, subject, up_to, state, created_at, finished_at, receipt)
            values (@Org, gen_random_uuid(), '\x00', 0, 'done', now(), now(), '\x00');
            insert into erased_ids (org_id, erasure_id, kind, id)
            select org_id, id, 'message', id
            from erasures
            where org_id = @Org;
            insert into tombstones (org_id, hmac, expires_at)
            values (@Org, '\x00', now() + interval '1 day');
            insert into integration_events (org_id, source, id, body, updated_at)
            values (@Org, 'langfuse-trace', 't-1', '{"sessionId":"s-1"}', now());
            insert into organization_events (org_id, chat_id, deleted, at)
            select org_id, id, false, now()
            from chats
            where org_id = @Org;
            insert into rollup_names (org_id, no, name)
            values (@Org, 1, 't:billing'), (@Org, 2, 't:sales');
            insert into rollups (org_id, tag, tier, start, first, cells)
            select @Org, 0, tier, date_trunc('day', now()), 0, ''
            from generate_series(0, 2) tier;
            insert into followers (org_id, follower, seq)
            values (@Org, 'rollups', 0);
            insert into exports (id, org_id, requested_by, state, format, time_zone, created_at, next_attempt_at, finished_at, bytes,
                sha256, expires_at, fence)
            values (gen_random_uuid(), @Org, @Member, 'done', 'json', 'UTC', now(), now(), now(), 3, sha256('abc'),
                now() + interval '1 day', 1);
            insert into exports (id, org_id, requested_by, state, format, time_zone, created_at, next_attempt_at)
            values (gen_random_uuid(), @Org, @Member, 'queued', 'json', 'UTC', now(), now() + interval '1 day');
            insert into exports (id, org_id, requested_by, state, format, time_zone, created_at, next_attempt_at, started_at, lease_until,
                slot, fence)
            values (gen_random_uuid(), @Org, @Member, 'running', 'json', 'UTC', now(), now(), now(), now() + interval '1 day', 1, 1);
            insert into export_chunks (org_id, export_id, fence, index, start, length, crc32, data)
            select org_id, id, 1, n, n * 3, 3, 0, 'abc'
            from exports, generate_series(0, 2) n
            where org_id = @Org and state <> 'queued';
            insert into export_chats (org_id, export_id, fence, index, first_id, last_id, chat_ids)
            select org_id, id, 1, n, gen_random_uuid(), gen_random_uuid(), '{}'
            from exports, generate_series(0, 2) n
            where org_id = @Org and state <> 'queued';
            """,
            new { Org = org.Id, Member = member.Id, Messages = messages });
        return member;
    }

    /// <summary>All rows of an organization in a table, as one value that changes with each of them.</summary>
    public static Task<string?> Rows(this Org org, string table) =>
        org.App.Value<string>(
            $"select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t where org_id = @Id",
            new { org.Id });
}
