-- Rollups in small rows, and by tag. A bucket was one row, and the people of a day one value of it, which each message wrote anew. Now a bucket is a
-- sorted list of cells, cut into rows of at most a kilobyte, so that a message writes a few hundred bytes whatever the day holds. The chats with a
-- tag have buckets of their own, so that analytics with one tag cost what those without do. The rollups are counted again from the first message on;
-- until they have caught up, analytics read messages as before.
drop table rollups;
create table rollups (
    org_id uuid        not null,
    -- A number of rollup_names: what is counted of the chats with this tag; 0: of all chats.
    tag    integer     not null,
    -- 0: a quarter of an hour, 1: an hour, 2: a day of UTC. The quarters hold everything; the hours the counts and the conversations, from which days of
    -- any time zone are made; the days the people, tags and models of a range.
    tier   smallint    not null,
    start  timestamptz not null,
    -- The row has the cells from this key on and before that of the next row; see RollupCells.
    first  bigint      not null,
    -- In one value, because merging in the service costs a hundredth of what as many rows cost.
    cells  bytea       not null,
    -- Serves: the buckets of a span of time, and the rows of a bucket.
    constraint rollups_pkey primary key (org_id, tag, tier, start, first),
    constraint rollups_tier_check check (tier in (0, 1, 2))
)
-- Leaves room for the next version of a row on its page, so that an update logs only the bytes that differ, and no entries of indexes.
with (fillfactor = 70);

truncate chat_sums, chat_quarters;
alter table chat_sums set (fillfactor = 90);
alter table chat_quarters set (fillfactor = 90);
delete from followers where follower = 'rollups';
delete from feedback_replaced;
