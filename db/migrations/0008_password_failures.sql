-- Wrong passwords of the last quarter of an hour, so that nobody has many guesses: counted here, and not in the instances, for an attacker who is
-- sent to another instance would begin anew there. A directory table: what is counted comes before anybody knows the organization, and an address
-- that is nobody's is counted like one that is somebody's.

create table password_failures (
    -- SHA-256 of what is counted: an account by the normal form of its e-mail address, a client's address, a member who repeats their password.
    -- Hashed, for what people type where an e-mail address belongs is not always one.
    subject        bytea       not null,
    -- Since the window began.
    failures       int         not null,
    -- By the database's clock, the only one that all instances have in common. After it the row means nothing, and is swept.
    window_ends_at timestamptz not null,
    constraint password_failures_pkey primary key (subject),
    constraint password_failures_subject_check check (octet_length(subject) = 32),
    constraint password_failures_failures_check check (failures >= 0)
);

-- Serves: sweeping the rows whose window is over, oldest first, a few with each failure.
create index password_failures_window_ends_at_idx on password_failures (window_ends_at);
