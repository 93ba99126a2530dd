-- What a transaction on conversations has to say to tables that may be on another node: the audit log and the exports. Written with the change,
-- delivered after it. On one server both are written in one transaction, and the table stays empty.
-- compatible
-- The version before neither reads nor writes it.
create table outbox (
    -- No foreign key: the table is spread with the conversations, which the directory is not.
    org_id          uuid        not null,
    -- Of the event in the audit log: what is delivered twice is there once.
    id              uuid        not null,
    at              timestamptz not null,
    actor_type      text        not null,
    actor_id        text,
    action          text        not null,
    target_type     text        not null,
    target_id       text,
    trace_id        text        not null,
    -- The chat that stored exports must not show any more as it was.
    changed_chat_id uuid,
    -- Serves: what an organization has to deliver, in order.
    constraint outbox_pkey primary key (org_id, id)
);
