-- Exports: the queue that any instance may work on, and the files, in chunks, that any instance can serve without a shared disk.

create table exports (
    id               uuid        not null,
    org_id           uuid        not null,
    -- The member who asked, or the id of the superadmin; kept as a plain id, for superadmins are members of no organization.
    requested_by     uuid        not null,
    state            text        not null,
    -- What was asked for. Filters are kept as they were understood: instants, not dates.
    format           text        not null,
    layout           text,
    time_zone        text        not null,
    from_at          timestamptz,
    to_at            timestamptz,
    tags             text[]      not null default '{}',
    user_id          uuid,
    external_user_id text,
    -- How far it is. Rows are the records of the file: messages or chats, as the format has it.
    rows             bigint      not null default 0,
    total_rows       bigint,
    bytes            bigint,
    sha256           bytea,
    -- Why it failed, in a sentence for the caller.
    reason           text,
    created_at       timestamptz not null,
    finished_at      timestamptz,
    expires_at       timestamptz,
    -- The lease, in the database's time: whoever's clock is wrong, there is one that decides. fence grows with every lease, and each write of a
    -- worker names its own: one that was frozen and wakes up after another took over changes nothing.
    fence            bigint      not null default 0,
    lease_until      timestamptz,
    -- Which of its organization's places a running export has. The unique index below is what holds the limit: two workers that both see a free
    -- place cannot both take it.
    slot             integer,
    -- When work on it began, moved on by the time in which nobody worked on it: what the hard limit is counted from.
    started_at       timestamptz,
    attempts         integer     not null default 0,
    next_attempt_at  timestamptz not null,
    -- It may have chunks that are part of no file: of a lease that was lost, or of a file whose time is over. The sweep's list of things to do.
    leftovers        boolean     not null default false,
    constraint exports_pkey primary key (id),
    -- Not for a query: the target of the chunks' composite foreign key.
    constraint exports_org_id_id_key unique (org_id, id),
    constraint exports_org_id_fkey foreign key (org_id) references organizations (id),
    constraint exports_state_check check (state in ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
    constraint exports_sha256_check check (octet_length(sha256) = 32),
    constraint exports_running_check check (
        case state
            when 'running' then lease_until is not null and slot is not null and started_at is not null
            else lease_until is null and slot is null
        end
    ),
    constraint exports_finished_check check ((state in ('queued', 'running')) = (finished_at is null)),
    constraint exports_done_check check (state <> 'done' or (bytes is not null and sha256 is not null and expires_at is not null))
);

-- Serves: an organization's list, newest first, and the counts of its limits.
create index exports_org_id_created_at_idx on exports (org_id, created_at desc, id desc);

-- Serves: the workers' look for something to do. Small: only what is not finished.
create index exports_pending_idx on exports (next_attempt_at) where state in ('queued', 'running');

-- Serves: the limit of what runs at a time, and the count of it that makes claims fair.
create unique index exports_org_id_slot_key on exports (org_id, slot) where slot is not null;

-- Serves: the sweep of chunks that are part of no file.
create index exports_leftovers_idx on exports (id) where leftovers;

-- Serves: the sweep of files whose time is over.
create index exports_expires_at_idx on exports (expires_at) where state = 'done';

create table export_chunks (
    org_id    uuid    not null,
    export_id uuid    not null,
    -- Chunks of a lease that was lost are leftovers; the finished file is made of those of its last lease.
    fence     bigint  not null,
    index     integer not null,
    -- Where the chunk begins in the file, and how long it is there: what a range request is answered by.
    start     bigint  not null,
    length    integer not null,
    -- Of the file from its beginning to the end of the chunk. That of the last chunk closes the gzip encoding of the file.
    crc32     bigint  not null,
    -- Compressed by itself: blocks of deflate (RFC 1951) that end on a byte, none of them the last. Between a head and a tail, all of them after
    -- one another are the gzip encoding of the file.
    data      bytea   not null,
    constraint export_chunks_pkey primary key (org_id, export_id, fence, index),
    constraint export_chunks_export_id_fkey foreign key (org_id, export_id) references exports (org_id, id),
    constraint export_chunks_length_check check (length > 0)
);

-- It is compressed already.
alter table export_chunks alter column data set storage external;
