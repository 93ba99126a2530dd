-- How times are written (with the offset of time_zone, or in UTC) and whether a byte order mark comes first: csv only. And how many records the format
-- leaves out, because what they hold cannot be said in it. An instance of the version before neither writes nor reads these columns.
alter table exports
    add column bom boolean not null default false,
    add column local_times boolean not null default false,
    add column skipped bigint not null default 0,
    -- A chat that the file holds has been deleted since: the file is not served any more, and is removed by the next sweep.
    add column outdated boolean not null default false,
    -- Chats that were removed for good while the export was being written. Whether its file holds one of them is known when it is whole.
    add column removed_chats uuid[] not null default '{}';

-- Serves: the sweep of files that hold what was deleted.
create index exports_outdated_idx on exports (id) where outdated and state = 'done';

-- Which chats the file of an export holds, some hundreds a row, in the order in which they are in the file. Written under the export's lease, as its
-- chunks are; and like those it stays on the coordinator of a cluster.
create table export_chats (
    org_id    uuid    not null,
    export_id uuid    not null,
    fence     bigint  not null,
    index     integer not null,
    -- The lowest and the highest of the ids. Ids are made in order of time, and so are files: nearly all rows are passed over by these two.
    first_id  uuid    not null,
    last_id   uuid    not null,
    chat_ids  uuid[]  not null,
    constraint export_chats_pkey primary key (org_id, export_id, fence, index),
    constraint export_chats_export_id_fkey foreign key (org_id, export_id) references exports (org_id, id)
);
