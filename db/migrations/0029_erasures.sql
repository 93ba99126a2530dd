-- Erasure: an admin has all chats of an end user, or of a member, removed for good; and what is gone does not come back.
-- compatible
-- The version before does not know the tables: it neither erases nor refuses what is gone.

create table erasures (
    -- No foreign key: the table is spread with the conversations, which the directory is not.
    org_id           uuid        not null,
    id               uuid        not null,
    -- Whose chats, until they are gone: one of both. After that there is only the HMAC.
    external_user_id text,
    user_id          uuid,
    -- The HMAC of it under organizations.secret.
    subject          bytea       not null,
    -- Chats up to this number of the organization's log: those that are made later are not meant.
    up_to            bigint      not null,
    state            text        not null,
    -- What has been removed so far.
    chats            bigint      not null default 0,
    messages         bigint      not null default 0,
    feedback         bigint      not null default 0,
    exports          bigint      not null default 0,
    created_at       timestamptz not null,
    started_at       timestamptz,
    -- Since when no read shows any of the chats.
    hidden_at        timestamptz,
    finished_at      timestamptz,
    -- The HMAC of the list of what was removed: see ErasedIdsFile.
    receipt          bytea,
    constraint erasures_pkey primary key (org_id, id),
    constraint erasures_state_check check (state in ('queued', 'running', 'done')),
    constraint erasures_done_check check (
        (state = 'done') = (finished_at is not null)
        and (state = 'done') = (receipt is not null)
        and (state = 'done') = (external_user_id is null and user_id is null)
    )
);

-- Serves: the list of an organization, newest first.
create index erasures_org_id_created_at_idx on erasures (org_id, created_at desc, id desc);

-- Serves: the search for erasures that are not done.
create index erasures_pending_idx on erasures (org_id, id) where state <> 'done';

-- Serves: the erasures that have finished since.
create index erasures_org_id_finished_at_idx on erasures (org_id, finished_at) where finished_at is not null;

-- What erasures have removed, for 30 days after they are done.
create table erased_ids (
    org_id      uuid not null,
    erasure_id  uuid not null,
    -- chat, message, feedback (the id of what was rated), export.
    kind        text not null,
    id          uuid not null,
    -- Of a chat, until the erasure is done: what integrations have been told of the conversation is found by it.
    external_id text,
    -- Serves: the list of an erasure, in order.
    constraint erased_ids_pkey primary key (org_id, erasure_id, kind, id),
    constraint erased_ids_kind_check check (kind in ('chat', 'message', 'feedback', 'export'))
);

-- Serves: the erasure of a chat that is being purged.
create index erased_ids_chat_idx on erased_ids (org_id, id) where kind = 'chat';

-- What is gone and is not made again: HMACs, under organizations.secret, of idempotency keys until these expire, and of the caller's names of
-- conversations for 30 days. Nobody learns from them what it was.
create table tombstones (
    org_id     uuid        not null,
    hmac       bytea       not null,
    expires_at timestamptz not null,
    -- Serves: the question whether something is gone, when a chat is to be made.
    constraint tombstones_pkey primary key (org_id, hmac)
);

-- Serves: the removal of those that have expired.
create index tombstones_org_id_expires_at_idx on tombstones (org_id, expires_at);

-- The chat that an event is about, so that erasing the chat finds its events.
alter table audit_events add column chat_id uuid;
update audit_events
set chat_id = target_id::uuid
where target_type = 'chat'
  and target_id is not null;

-- Serves: the events of chats that are erased.
create index audit_events_org_id_chat_id_idx on audit_events (org_id, chat_id) where chat_id is not null;
