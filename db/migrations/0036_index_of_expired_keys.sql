-- no-transaction
-- Serves: the keys that have expired. Those who look for a key do not say that it has a target, and so are never led here: while the statistics are
-- older than most keys, all keys of a day would look like one row, and as good as the key itself.
-- compatible
create index concurrently if not exists idempotency_keys_expired_idx on idempotency_keys (org_id, created_at) where target_id is not null;
