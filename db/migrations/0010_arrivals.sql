-- What has arrived for good. messages.seq is drawn from one sequence for all organizations, after its transaction has locked what it writes below
-- and so has an id; numbers are therefore not committed in their order. Whoever follows arrivals (the folding of analytics, an index of texts)
-- needs to know up to which number nothing can still turn up: the settled one.

-- Chats draw from the same sequence: one horizon is right for both. The chats that there are have arrived before everything else, and say so with
-- 0: a constant default is kept in the catalogue, no row is rewritten.
alter table chats add column seq bigint not null default 0;
alter table chats alter column seq set default nextval('messages_seq_seq');

-- Serve: what arrived in an organization after a number.
create index messages_org_id_seq_idx on messages (org_id, seq);
create index chats_org_id_seq_idx on chats (org_id, seq);

-- One row. When every transaction that might have drawn a number up to pending_seq is over, that number is settled. Those are the ones with an id
-- below pending_xid, which was assigned after the number was read. (Not the xmax of a snapshot: that is one more than the last transaction that is
-- over, and those that are still at it may be beyond.)
create table arrivals (
    only_row    boolean not null default true,
    settled_seq bigint  not null,
    pending_seq bigint,
    pending_xid xid8,
    constraint arrivals_pkey primary key (only_row),
    constraint arrivals_only_row_check check (only_row),
    constraint arrivals_pending_check check ((pending_seq is null) = (pending_xid is null))
);

insert into arrivals (settled_seq) values (0);

-- How far each follower has come in each organization. Whoever works there holds the row's lock, so that there is one at a time, and moves it with
-- what came of the work, so that a crash leaves both or none. Without a row: nowhere yet, which is -1.
create table followers (
    org_id   uuid   not null,
    follower text   not null,
    seq      bigint not null default -1,
    -- Serves: the lock, and the look for organizations that have something new.
    constraint followers_pkey primary key (org_id, follower),
    constraint followers_org_id_fkey foreign key (org_id) references organizations (id),
    constraint followers_follower_check check (char_length(follower) between 1 and 20)
);
