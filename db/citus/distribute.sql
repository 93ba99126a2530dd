-- Spreads the tables of organizations over the nodes of a Citus cluster, each organization whole on one shard. To be run once, by the
-- database's owner, on the coordinator, after the migrations and before there is much to move:
--   psql "$DATABASE_URL" --single-transaction --set ON_ERROR_STOP=1 --file db/citus/distribute.sql
-- The migrations know nothing of Citus; the same schema runs on plain PostgreSQL. Tests read this file and hold the schema to it: keys, unique
-- indexes and foreign keys of what is distributed begin with org_id, and nothing points from the directory to an organization's rows.

create extension if not exists citus;
-- Foreign keys between reference and distributed tables, made in one transaction.
set local citus.multi_shard_modify_mode to 'sequential';

-- The directory: small, asked before the organization is known, referred to from every shard. On every node.
select create_reference_table('organizations');
select create_reference_table('users');

-- Not referred to by an organization's rows, and not spread: api_keys, sessions, password_failures, exports, export_chunks and export_chats stay on
-- the coordinator, which knows those that refer to the directory as local tables. With Exports__Directory the files of exports are in no database at all.
select citus_add_local_table_to_metadata('api_keys');
select citus_add_local_table_to_metadata('sessions');
select citus_add_local_table_to_metadata('webhooks');
select citus_add_local_table_to_metadata('exports');
select citus_add_local_table_to_metadata('export_chunks');
select citus_add_local_table_to_metadata('export_chats');

-- What organizations have. Colocated, so that a statement that names its organization runs on one node, with its joins and foreign keys.
select create_distributed_table('chats', 'org_id', shard_count => 128);
select create_distributed_table('organization_log', 'org_id', colocate_with => 'chats');
select create_distributed_table('messages', 'org_id', colocate_with => 'chats');
select create_distributed_table('feedback', 'org_id', colocate_with => 'chats');
select create_distributed_table('organization_events', 'org_id', colocate_with => 'chats');
select create_distributed_table('audit_events', 'org_id', colocate_with => 'chats');
select create_distributed_table('integration_events', 'org_id', colocate_with => 'chats');
select create_distributed_table('webhook_offsets', 'org_id', colocate_with => 'chats');
select create_distributed_table('webhook_deliveries', 'org_id', colocate_with => 'chats');
select create_distributed_table('webhook_idle', 'org_id', colocate_with => 'chats');
select create_distributed_table('idempotency_keys', 'org_id', colocate_with => 'chats');
select create_distributed_table('followers', 'org_id', colocate_with => 'chats');
select create_distributed_table('feedback_replaced', 'org_id', colocate_with => 'chats');
select create_distributed_table('rollup_names', 'org_id', colocate_with => 'chats');
select create_distributed_table('rollups', 'org_id', colocate_with => 'chats');
select create_distributed_table('chat_sums', 'org_id', colocate_with => 'chats');
select create_distributed_table('chat_quarters', 'org_id', colocate_with => 'chats');
select create_distributed_table('search_chunks', 'org_id', colocate_with => 'chats');
select create_distributed_table('search_index', 'org_id', colocate_with => 'chats');
select create_distributed_table('search_terms', 'org_id', colocate_with => 'chats');
