-- Webhooks: what happens in an organization is told to addresses that it has chosen.
-- compatible
-- The version before does not know the tables, and tells nobody anything.

-- Belongs to the directory: few rows, changed by members, and recorded in the audit log by the same transaction.
create table webhooks (
    org_id          uuid        not null,
    id              uuid        not null,
    url             text        not null,
    -- Which events are told; see WebhookEvent.
    events          text[]      not null,
    -- Whether what was said is told, or only of which chat and message.
    with_content    boolean     not null,
    -- After so many minutes without a message a chat is idle.
    idle_minutes    integer     not null,
    description     text        not null,
    state           text        not null,
    -- What deliveries are signed with, encrypted; see WebhookSecrets. After a rotation the secret before it signs, too, until previous_until.
    secret          bytea       not null,
    previous_secret bytea,
    previous_until  timestamptz,
    created_at      timestamptz not null,
    -- Since when no delivery has succeeded; null: the last one did, or there was none.
    failing_since   timestamptz,
    -- Serves: the list of an organization, and the webhook by its id.
    constraint webhooks_pkey primary key (org_id, id),
    constraint webhooks_org_id_fkey foreign key (org_id) references organizations (id),
    constraint webhooks_url_check check (char_length(url) between 1 and 2048),
    constraint webhooks_events_check check (cardinality(events) between 1 and 20),
    constraint webhooks_idle_minutes_check check (idle_minutes between 1 and 1440),
    constraint webhooks_description_check check (char_length(description) <= 200),
    constraint webhooks_state_check check (state in ('active', 'paused')),
    constraint webhooks_previous_check check ((previous_secret is null) = (previous_until is null))
);

-- Serves: the webhooks that there is something to be told to.
create index webhooks_active_idx on webhooks (org_id, id) where state = 'active';

-- How far a webhook has come. No foreign keys here and below: webhooks and conversations may be on different nodes.
create table webhook_offsets (
    org_id      uuid        not null,
    webhook_id  uuid        not null,
    -- Up to which number of the organization's log there are deliveries.
    seq         bigint      not null,
    -- Jobs that have finished since jobs_from are told, and those up to jobs_at have deliveries. The database's time, as that of the jobs.
    jobs_from   timestamptz not null,
    jobs_at     timestamptz not null,
    -- Rounds in which every attempt failed, one after the other, and until when there is no other attempt.
    failures    integer     not null default 0,
    retry_at    timestamptz,
    -- When there is something to do that the log does not tell: another attempt, or a chat that will be idle.
    due_at      timestamptz,
    -- The lease of the instance that delivers, in the database's time. The fence grows with each lease.
    fence       bigint      not null default 0,
    lease_until timestamptz,
    -- Serves: the lease.
    constraint webhook_offsets_pkey primary key (org_id, webhook_id)
);

-- What is to be told, and what became of it. It holds ids only: what was said is read when it is sent.
create table webhook_deliveries (
    org_id           uuid        not null,
    -- The header webhook-id, the same for each attempt.
    id               uuid        not null,
    webhook_id       uuid        not null,
    event            text        not null,
    -- The number in the log: those of a chat are told in its order. 0: not of a chat.
    seq              bigint      not null,
    chat_id          uuid,
    -- What it is about: the chat, the message, the rated chat or message, the export.
    subject_id       uuid        not null,
    -- When it happened, and when this row was written.
    happened_at      timestamptz not null,
    created_at       timestamptz not null,
    status           text        not null,
    -- It was asked for again, so nothing that comes after it in its chat waits for it.
    replayed         boolean     not null default false,
    attempts         integer     not null default 0,
    first_attempt_at timestamptz,
    last_attempt_at  timestamptz,
    -- Not before this; null: there is no other attempt.
    next_attempt_at  timestamptz,
    response_status  integer,
    error            text,
    constraint webhook_deliveries_pkey primary key (org_id, id),
    constraint webhook_deliveries_status_check check (status in ('pending', 'delivered', 'failed', 'skipped')),
    constraint webhook_deliveries_next_check check ((status = 'pending') = (next_attempt_at is not null))
);

-- Serves: what is to be told, in order.
create index webhook_deliveries_pending_idx on webhook_deliveries (org_id, webhook_id, seq, id) where status = 'pending';

-- Serves: that nothing gets two deliveries, when it is found again.
create unique index webhook_deliveries_subject_key on webhook_deliveries (org_id, webhook_id, event, subject_id, seq);

-- Serves: the list of a webhook, newest first.
create index webhook_deliveries_list_idx on webhook_deliveries (org_id, webhook_id, created_at desc, id desc);

-- Serves: the removal of what is old.
create index webhook_deliveries_org_id_created_at_idx on webhook_deliveries (org_id, created_at);

-- Serves: the removal with a chat.
create index webhook_deliveries_org_id_chat_id_idx on webhook_deliveries (org_id, chat_id);

-- Chats that will be idle unless there is another message: one row for each chat with a message in the last minutes.
create table webhook_idle (
    org_id     uuid        not null,
    webhook_id uuid        not null,
    chat_id    uuid        not null,
    -- The number of the last message.
    seq        bigint      not null,
    due_at     timestamptz not null,
    constraint webhook_idle_pkey primary key (org_id, webhook_id, chat_id)
);

-- Serves: the chats that are idle now.
create index webhook_idle_due_idx on webhook_idle (org_id, webhook_id, due_at);

-- Serves: the removal with a chat.
create index webhook_idle_org_id_chat_id_idx on webhook_idle (org_id, chat_id);

-- Serves: the exports that have finished since.
create index exports_org_id_finished_at_idx on exports (org_id, finished_at) where finished_at is not null;
