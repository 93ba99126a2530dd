-- Search reads more than the contents of messages, folds accents, and finds words by their beginning. All of that is in new tables, filled in the
-- background from the first message on; the rows of search_chunks (0013) are removed in steps meanwhile.
-- compatible
-- The version before keeps its own index and writes it again where its rows are gone. A title or tag that it changes is found under the new text
-- only after this version has changed it again: it draws no number for the change.

-- When the title or the tags became others, or a message was deleted: a number of the sequence of arrivals (0010), drawn after the chat's row is
-- locked. Null: nothing has changed since the chat arrived.
alter table chats add column text_seq bigint;

create table search_index (
    org_id     uuid        not null,
    chat_id    uuid        not null,
    -- The messages of the chat that one round of indexing found: those with a number from the first to the last. 0 and 0: the chat's own texts, which
    -- are title, tags and the end user's name.
    first_seq  bigint      not null,
    last_seq   bigint      not null,
    -- How many messages those are: when one has been deleted since, the row is written again without its words.
    messages   integer     not null,
    -- The chat's, which never changes: candidates are sorted by it without being looked up.
    created_at timestamptz not null,
    -- Distinct hashes, salted with the organization: of words, of pairs and single characters in scripts without spaces, of symbols; and of the spans
    -- of time that created_at is in, of several lengths, so that the candidates of one span are found without reading those of all others.
    tokens     integer[]   not null,
    -- Serves: the rows of one chat, when the newest chats are walked and when a candidate is looked at.
    constraint search_index_pkey primary key (org_id, chat_id, first_seq),
    constraint search_index_chat_id_fkey foreign key (org_id, chat_id) references chats (org_id, id),
    constraint search_index_seq_check check (first_seq <= last_seq)
);

-- Hashes do not compress.
alter table search_index alter column tokens set storage external;

-- Serves: the rows with all of some words, in a span of time. New rows wait in a list that each search reads through: it is kept short.
create index search_index_tokens_idx on search_index using gin (org_id, tokens) with (gin_pending_list_limit = 2048);

-- The words in search_index, as they are folded, to find those with a certain beginning. A word leaves with the last row that has its token.
create table search_terms (
    org_id uuid             not null,
    term   text collate "C" not null,
    token  integer          not null,
    -- Serves: the words with a beginning.
    constraint search_terms_pkey primary key (org_id, term),
    constraint search_terms_org_id_fkey foreign key (org_id) references organizations (id),
    constraint search_terms_term_check check (char_length(term) between 1 and 64)
);

-- Serves: the words of tokens that have lost a row.
create index search_terms_org_id_token_idx on search_terms (org_id, token);

-- How often words have left the dictionary: an instance that remembers which words are there forgets them when this has changed.
alter table followers add column generation bigint not null default 0;
