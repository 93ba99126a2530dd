-- What an organization chooses about the life of what is said: what is replaced before it is stored, and for how long it is kept.
-- compatible
-- The version before knows neither: what it writes is stored as it was sent, and kept.

-- The bodies of requests with an Idempotency-Key are known by an HMAC under a secret of the service from now on, because the hash of a body alone would
-- tell, to whoever guesses, what was replaced in it. The column idempotency_keys.body_sha256 keeps its name; what it has from before is the SHA-256 of
-- the body, is still compared with, and is gone after a day.

alter table organizations
    -- Kinds, patterns and whether metadata is meant, in a canonical text; empty: nothing is replaced.
    add column redaction text not null default '',
    -- A chat is removed when its last message is older than so many days; null: never.
    add column retention_days integer,
    -- The key of HMACs that stand for what is gone: nobody learns from them what it was. 244 random bits.
    add column secret bytea not null default sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
    add constraint organizations_redaction_check check (octet_length(redaction) <= 65536),
    add constraint organizations_retention_days_check check (retention_days between 1 and 3650),
    add constraint organizations_secret_check check (octet_length(secret) = 32);
