-- no-transaction
-- Serves: the Idempotency-Keys of chats that are purged. Those of messages, which are many more, are found by their chat and are not in it.
-- compatible
create index concurrently if not exists idempotency_keys_org_id_target_id_idx on idempotency_keys (org_id, target_id)
    where parent_id = '00000000-0000-0000-0000-000000000000';
