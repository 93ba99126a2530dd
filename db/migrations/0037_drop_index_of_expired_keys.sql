-- no-transaction
-- Replaced by idempotency_keys_expired_idx.
-- compatible
drop index concurrently if exists idempotency_keys_org_id_created_at_idx;
