-- A chat with an external id is made once: the next request for it is answered with the chat there is, and 200. Under an Idempotency-Key this answer
-- must be repeated as it was, so the key says which of both it was.
-- compatible
-- The version before knows no external ids, so it writes no such key; it would repeat one with 201.

alter table idempotency_keys add column existed boolean not null default false;
