-- Spreads the tables of organizations over the nodes of a Citus cluster, each organization whole on one shard. To be run by the database's
-- owner on the coordinator, after the migrations and after citus_add_node has named the workers; and again after each upgrade, because it
-- takes along the tables that are not spread yet and leaves the others as they are:
--   psql "$DATABASE_URL" --single-transaction --set ON_ERROR_STOP=1 --file db/citus/distribute.sql
-- The service must not run meanwhile. The migrations know nothing of Citus; the same schema runs on plain PostgreSQL.

create extension if not exists citus;
-- Foreign keys between distributed tables are made in one transaction with them.
set local citus.multi_shard_modify_mode to 'sequential';
set local client_min_messages to 'warning';

do $$
declare
    -- Plain tables of the coordinator, of which Citus knows nothing: asked before the organization is known, or for all of them. Every other
    -- table with an organization in each row is spread.
    directory constant text[] := array[
        'organizations', 'users', 'api_keys', 'sessions', 'password_failures', 'audit_events', 'exports', 'export_chunks', 'export_chats',
        'webhooks'];
    spread regclass[];
    kept text[];
    entry record;
    statement text;
begin
    select array_agg(c.oid::regclass order by c.relname <> 'chats', c.relname)
    into spread
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and a.attnotnull
    where c.relkind = 'r'
      and c.relnamespace = 'public'::regnamespace
      and c.relname <> all (directory)
      and not exists (select from pg_dist_partition p where p.logicalrelid = c.oid);
    if spread is null then
        return;
    end if;

    -- References between organizations' tables are made again below, on the shards. Those to the directory are not: it is on another node,
    -- and the service does not rely on them.
    select array_agg(format('alter table %s add constraint %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)))
    into kept
    from pg_constraint k
    where k.contype = 'f'
      and k.conrelid = any (spread)
      and k.confrelid::regclass::text <> all (directory);
    for entry in
        select k.conrelid::regclass as relation, k.conname
        from pg_constraint k
        where k.contype = 'f'
          and k.conrelid = any (spread)
    loop
        execute format('alter table %s drop constraint %I', entry.relation, entry.conname);
    end loop;

    -- Numbers come from the sequence of the coordinator, and the service gives them.
    for entry in
        select d.adrelid::regclass as relation, a.attname
        from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = any (spread)
          and pg_get_expr(d.adbin, d.adrelid) like 'nextval(%'
    loop
        execute format('alter table %s alter column %I drop default', entry.relation, entry.attname);
    end loop;

    foreach statement in array spread::text[]
    loop
        if statement = 'chats' then
            perform create_distributed_table('chats', 'org_id', colocate_with => 'none');
        else
            perform create_distributed_table(statement::regclass, 'org_id', colocate_with => 'chats');
        end if;
    end loop;
    foreach statement in array coalesce(kept, '{}')
    loop
        execute statement;
    end loop;
end
$$;
