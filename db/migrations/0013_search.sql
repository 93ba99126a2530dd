-- What is searched for words. The rules of what matches live in the service alone, in one place; here are candidates: the hashes of the words
-- that a stretch of a chat's messages holds. A candidate is looked at before it is shown, so a hash that two words share does no harm, and a word
-- of any length is four bytes.

-- For an index that begins with the organization. A trusted extension: whoever owns the database may create it.
create extension if not exists btree_gin;

create table search_chunks (
    org_id     uuid        not null,
    chat_id    uuid        not null,
    -- The messages of the chat that one round of indexing found: those with a number from the first to the last. What arrived since is above.
    first_seq  bigint      not null,
    last_seq   bigint      not null,
    -- The chat's, which never changes: candidates are sorted by it without being looked up.
    created_at timestamptz not null,
    -- Distinct hashes of words, of pairs and single characters in scripts without spaces, and of symbols. Other organizations' hashes of the same
    -- word are others: a small organization does not wade through a large one's.
    tokens     integer[]   not null,
    -- Serves: the chunks of one chat, when the newest chats are walked and when a candidate is looked at.
    constraint search_chunks_pkey primary key (org_id, chat_id, first_seq),
    constraint search_chunks_chat_id_fkey foreign key (org_id, chat_id) references chats (org_id, id),
    constraint search_chunks_seq_check check (first_seq <= last_seq)
);

-- Hashes do not compress.
alter table search_chunks alter column tokens set storage external;

-- Serves: the chunks with all of some words. New rows wait in a list that each search reads through: it is kept short.
create index search_chunks_tokens_idx on search_chunks using gin (org_id, tokens) with (gin_pending_list_limit = 2048);

-- What the chats of an export are searched for, as it was asked.
alter table exports add column q text;
alter table exports add constraint exports_q_check check (char_length(q) <= 256);
