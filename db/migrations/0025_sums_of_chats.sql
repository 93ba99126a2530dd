-- Analytics from sums for each chat: so deleting or tagging a chat, however large, is one change of its row, and what is counted of it is moved in the
-- background; conversations and filters read sums in place of messages. The rollups are counted again from the first message on; until they have caught
-- up, analytics read messages as before.

-- Changes and deletions, with their numbers: for the consumers that have counted what changed, and for live events. Kept until all consumers are past
-- them, and for about an hour.
alter table chat_changes rename to organization_events;
alter table organization_events rename constraint chat_changes_pkey to organization_events_pkey;
alter table organization_events rename constraint chat_changes_org_id_fkey to organization_events_org_id_fkey;
-- A message was deleted: when it had been created, and its number. Its quarter of an hour is counted again.
alter table organization_events
    add column message_at  timestamptz,
    add column message_seq bigint;

-- What is counted of each chat, as of the offset of the consumer 'rollups': its state, and all of its messages.
create table chat_sums (
    org_id             uuid        not null,
    chat_id            uuid        not null,
    created_at         timestamptz not null,
    -- Numbers of rollup_names; 0: none.
    member             integer     not null,
    end_user           integer     not null,
    tags               integer[]   not null,
    -- The models of its messages.
    models             integer[]   not null,
    messages           bigint      not null,
    -- The earliest and the latest time of a message, and the earliest of an assistant's.
    first_at           timestamptz,
    last_at            timestamptz,
    first_assistant_at timestamptz,
    feedback_up        bigint      not null,
    feedback_down      bigint      not null,
    -- Serves: the sums of chats of a batch, of a page of the list, and of the chats with some tags.
    constraint chat_sums_pkey primary key (org_id, chat_id)
);

-- Serves: the conversations of a span of time.
create index chat_sums_org_id_created_at_idx on chat_sums (org_id, created_at);

-- The part of that in a quarter of an hour, by the times of messages and ratings and that of the chat's creation.
create table chat_quarters (
    org_id  uuid        not null,
    chat_id uuid        not null,
    start   timestamptz not null,
    -- By model, in one value: see ChatQuarter.
    counts  bytea       not null,
    -- Serves: what is counted of a chat.
    constraint chat_quarters_pkey primary key (org_id, chat_id, start)
);

-- Serves: what is counted of a quarter, to count it again without a chat.
create index chat_quarters_org_id_start_idx on chat_quarters (org_id, start);

-- By model; and statistics of the chats that were created in the span: see ConversationCounts.
truncate rollups;
alter table rollups
    add column models        bytea not null default '',
    add column conversations bytea not null default '';
alter table rollups alter column models set storage external;
alter table rollups alter column conversations set storage external;
delete from followers where follower = 'rollups';
delete from feedback_replaced;

-- What a million tokens of each model cost: an object of model names, each with "prompt" and "completion", in a canonical text.
alter table organizations
    add column prices text not null default '{}',
    add constraint organizations_prices_check check (octet_length(prices) <= 262144);
