-- What has been written under an Idempotency-Key: asked again within a day, the same request gets the same row. Each key is written by the
-- very statement that writes what it stands for, so that there is never one without the other, whoever is killed when.

create table idempotency_keys (
    org_id      uuid                   not null,
    -- What the key was sent to: messages, chats, … The same key elsewhere is another key.
    route       text                   not null,
    -- The chat of a message; all zeros for what has no parent.
    parent_id   uuid                   not null,
    -- Printable ASCII and compared byte by byte.
    key         text       collate "C" not null,
    -- SHA-256 of the body: another body under the same key is a mistake of the caller's, who is told.
    body_sha256 bytea                  not null,
    -- The chat or message. Not a reference: the row may be gone before its key is, and then the key says so.
    target_id   uuid                   not null,
    created_at  timestamptz            not null,
    -- Serves: the question whether a key is known, and holds off a twin on another instance until that is decided. No foreign key to
    -- organizations: a key lives for a day, and the check would cost each request more than all the rest of the row.
    constraint idempotency_keys_pkey primary key (org_id, route, parent_id, key),
    constraint idempotency_keys_route_check check (char_length(route) between 1 and 20),
    constraint idempotency_keys_key_check check (char_length(key) between 1 and 255),
    constraint idempotency_keys_body_sha256_check check (octet_length(body_sha256) = 32)
);

-- Serves: the sweep of keys whose day is over, one organization after the other.
create index idempotency_keys_org_id_created_at_idx on idempotency_keys (org_id, created_at);
