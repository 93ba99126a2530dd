-- What is said. Every key and every foreign key here begins with org_id: the schema itself refuses a child of another organization, every
-- index is one organization's before it is anything else, and the tables can be distributed by org_id without change.

create table chats (
    org_id           uuid        not null,
    id               uuid        not null,
    title            text,
    tags             text[]      not null default '{}',
    -- json, not jsonb: what a caller sent comes back as the text it was, numbers to the last digit. jsonb writes 1e308 out in 309 digits and
    -- would turn 16 KiB into megabytes. No statement looks inside; who wants to can cast.
    metadata         json        not null default '{}',
    -- The member the chat is attributed to, if any.
    user_id          uuid,
    -- The plugin's own name for its end user, if any.
    external_user_id text,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    -- Set at once when a chat is deleted; every read asks for null here. The content is purged later.
    deleted_at       timestamptz,
    -- Serves: one chat by id, and the foreign keys below.
    constraint chats_pkey primary key (org_id, id),
    constraint chats_org_id_fkey foreign key (org_id) references organizations (id),
    -- Checked only where user_id is not null (MATCH SIMPLE). users keeps the rows of removed members for this.
    constraint chats_user_id_fkey foreign key (org_id, user_id) references users (org_id, id),
    constraint chats_title_check check (char_length(title) between 1 and 200),
    constraint chats_tags_check check (cardinality(tags) <= 100),
    constraint chats_external_user_id_check check (char_length(external_user_id) between 1 and 256)
);

-- Serves: the list of an organization's chats, newest first, by keyset (created_at, id).
create index chats_org_id_created_at_idx on chats (org_id, created_at desc, id desc) where deleted_at is null;

-- Serves: the same list for a member who sees only the chats attributed to them.
create index chats_org_id_user_id_created_at_idx on chats (org_id, user_id, created_at desc, id desc)
    where user_id is not null and deleted_at is null;

create table messages (
    org_id            uuid        not null,
    chat_id           uuid        not null,
    -- The arrival sequence: the one total order of a chat's messages. It is drawn while the chat's row is locked by the inserting
    -- transaction (see AppendMessage), so within a chat a smaller number is never committed after a larger one, and whoever pages forward
    -- by it misses nothing. Gaps mean nothing.
    seq               bigint      not null generated always as identity,
    id                uuid        not null,
    role              text        not null,
    content           text        not null,
    metadata          json        not null default '{}',
    latency_ms        integer,
    token_count       integer,
    prompt_tokens     integer,
    completion_tokens integer,
    model             text,
    created_at        timestamptz not null,
    -- Serves: one message by id (feedback, replays). UUIDv7: an organization's new rows go to the right edge of its range.
    constraint messages_pkey primary key (org_id, id),
    -- Serves: a chat's messages in order, forwards and backwards, by keyset; counts and the last message of a chat.
    constraint messages_chat_id_seq_key unique (org_id, chat_id, seq),
    constraint messages_chat_id_fkey foreign key (org_id, chat_id) references chats (org_id, id),
    constraint messages_role_check check (role in ('user', 'assistant', 'system', 'developer', 'tool', 'function')),
    constraint messages_content_check check (octet_length(content) between 1 and 4194304),
    constraint messages_model_check check (char_length(model) between 1 and 256),
    constraint messages_numbers_check check (latency_ms >= 0 and token_count >= 0 and prompt_tokens >= 0 and completion_tokens >= 0)
);

-- What an end user thought of a chat or of one message; the last word wins. A table of its own, because a rating comes later than the row
-- it speaks of, and rewriting a message to hold it would leave a dead copy of its whole text behind.
create table feedback (
    org_id    uuid        not null,
    -- The chat's id or the message's.
    target_id uuid        not null,
    -- The chat that is, or holds, the target.
    chat_id   uuid        not null,
    rating    text        not null,
    comment   text,
    at        timestamptz not null,
    -- Serves: the rating beside a chat or a message that is read.
    constraint feedback_pkey primary key (org_id, target_id),
    constraint feedback_chat_id_fkey foreign key (org_id, chat_id) references chats (org_id, id),
    constraint feedback_rating_check check (rating in ('up', 'down')),
    constraint feedback_comment_check check (char_length(comment) between 1 and 2000)
);
