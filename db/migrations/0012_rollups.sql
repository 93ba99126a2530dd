-- Analytics, counted ahead. What arrived up to a number (followers, 'rollups') is folded into sums by quarter of an hour, hour and day of UTC; what
-- arrived since is counted from the rows themselves, in the same snapshot. Every zone's days can be put together from quarters.

-- When a rating arrived, as with chats (see 0010): drawn after the chat is locked. A new rating in place of an old one arrives anew.
alter table feedback add column seq bigint not null default 0;
alter table feedback alter column seq set default nextval('messages_seq_seq');

-- Serves: ratings of an organization that arrived after a number.
create index feedback_org_id_seq_idx on feedback (org_id, seq);

-- Serve: what is within a part of a quarter of an hour, which the sums do not know.
create index messages_org_id_created_at_idx on messages (org_id, created_at);
create index feedback_org_id_at_idx on feedback (org_id, at);

-- Serves: the ratings of a chat and its messages, when the chat is deleted; and of many chats.
create index feedback_org_id_chat_id_idx on feedback (org_id, chat_id);

-- Ratings that are no more, until the folding has taken back what it counted of them.
create table feedback_replaced (
    org_id    uuid        not null,
    -- From when on it is no more: numbers of the same sequence.
    until_seq bigint      not null default nextval('messages_seq_seq'),
    seq       bigint      not null,
    chat_id   uuid        not null,
    rating    text        not null,
    at        timestamptz not null,
    -- Serves: what was replaced after a number.
    constraint feedback_replaced_pkey primary key (org_id, until_seq),
    constraint feedback_replaced_rating_check check (rating in ('up', 'down'))
);

-- Members, end users and tags by a small number, which is what the sums call them by. Kept as m:<id>, e:<external user id>, t:<tag>.
create table rollup_names (
    org_id uuid             not null,
    no     integer          not null,
    name   text collate "C" not null,
    -- Serves: the names of the few that an answer shows.
    constraint rollup_names_pkey primary key (org_id, no),
    -- Serves: the numbers of those in a batch of arrivals.
    constraint rollup_names_name_key unique (org_id, name),
    constraint rollup_names_org_id_fkey foreign key (org_id) references organizations (id)
);

create table rollups (
    org_id  uuid        not null,
    -- 0: a quarter of an hour, 1: an hour, 2: a day of UTC. Each tier holds everything, so that a range is read from a few long ones inside and
    -- short ones at its ends.
    tier    smallint    not null,
    start   timestamptz not null,
    -- Chats, messages, tokens, roles, ratings, and a histogram of latencies; see TallyBytes. In one value each, for they are read and written whole:
    -- merging is done in the service, at a hundredth of the cost of as many rows.
    counts  bytea       not null,
    -- By member and end user.
    people  bytea       not null,
    -- By tag.
    tags    bytea       not null,
    -- Serves: the rows of a span of time.
    constraint rollups_pkey primary key (org_id, tier, start),
    constraint rollups_org_id_fkey foreign key (org_id) references organizations (id),
    constraint rollups_tier_check check (tier in (0, 1, 2))
);

-- Numbers in few bytes already: packing them again costs more time than it saves room.
alter table rollups alter column counts set storage external;
alter table rollups alter column people set storage external;
alter table rollups alter column tags set storage external;
