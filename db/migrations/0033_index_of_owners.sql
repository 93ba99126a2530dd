-- no-transaction
-- Serves: the pieces of a conversation that is removed, and the pieces of these.
-- compatible
create index concurrently if not exists integration_events_org_id_belongs_to_idx on integration_events (org_id, belongs_to)
    where belongs_to is not null;
