-- Live events, and the list of a member's sessions.
-- compatible
-- The version before records no changes and deletions of chats, which those who follow the organization then see at their next reload; and its
-- sessions have no address, user agent and last use.

-- Changes and deletions of chats, for those who follow the organization: chats, messages and ratings have a number of their own, these need one.
-- A row of its own, because a deleted chat is purged while somebody may be about to read of it. Kept for about an hour.
create table chat_changes (
    org_id  uuid        not null,
    -- A number of the sequence of arrivals (0010), drawn after the chat's row is locked.
    seq     bigint      not null default nextval('messages_seq_seq'),
    chat_id uuid        not null,
    -- The chat's, for members who see only the chats attributed to them.
    user_id uuid,
    deleted boolean     not null,
    at      timestamptz not null,
    -- Serves: what changed in an organization after a number.
    constraint chat_changes_pkey primary key (org_id, seq),
    constraint chat_changes_org_id_fkey foreign key (org_id) references organizations (id)
);

-- From where a session was opened, and when it was last used, to the minute. Null: not known.
alter table sessions
    add column address      text,
    add column user_agent   text,
    add column last_used_at timestamptz,
    add constraint sessions_address_check check (char_length(address) <= 64),
    add constraint sessions_user_agent_check check (char_length(user_agent) <= 256);
