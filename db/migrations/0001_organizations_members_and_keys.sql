-- The directory: who may speak to us at all. These tables are small (thousands of rows, not billions). On a distributed database they are
-- reference or coordinator-local tables; the tables of conversations (0002) are the ones that are spread out by org_id.
--
-- Conventions of the whole schema:
--   * Ids are UUIDv7, made in the process: a row's id is known before the row is written, and neighbours in time are neighbours in the index.
--   * Times are timestamptz, made in the process in whole milliseconds, so that what a caller reads back is exactly what is compared.
--   * Constraints are named: the code recognizes a refusal by the name of the constraint, at the statement that may meet it.
--   * No trigger, no SET NULL, no cascade. What disappears is made to disappear by a statement that can be read.
--   * Checks in the schema are the outermost limit. What a caller may send is narrower, is a setting, and is validated with a sentence.

create table organizations (
    id         uuid        not null,
    -- The name in paths. Stays taken after the organization is deleted: a recycled slug would hand old links and old keys' paths to a stranger.
    slug       text        not null,
    name       text        not null,
    -- IANA name; the zone whose midnights cut the days of analytics when the caller names none.
    time_zone  text        not null default 'UTC',
    created_at timestamptz not null,
    -- Set at once when an organization is deleted; every lookup of a key or a session asks for null here. The data is purged later.
    deleted_at timestamptz,
    constraint organizations_pkey primary key (id),
    -- Serves: the organization by its slug (superadmins, keys in settings, command line).
    constraint organizations_slug_key unique (slug),
    constraint organizations_slug_check check (slug ~ '^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$'),
    constraint organizations_name_check check (char_length(name) between 1 and 200),
    constraint organizations_time_zone_check check (char_length(time_zone) between 1 and 64)
);

create table users (
    id            uuid        not null,
    -- Null exactly for superadmins, who belong to no organization and act in each.
    org_id        uuid,
    -- In its one normal form (see EmailAddress). Null once the member is removed: the address is free again, and the row stays behind for
    -- the attribution of chats.
    email         text,
    name          text,
    role          text        not null,
    -- bcrypt, with its cost and salt inside. Null once the member is removed.
    password_hash text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    disabled_at   timestamptz,
    removed_at    timestamptz,
    constraint users_pkey primary key (id),
    -- Not for a query: the target of chats' composite foreign key, which refuses to attribute a chat to another organization's member.
    constraint users_org_id_id_key unique (org_id, id),
    -- Serves: login. Unique over all organizations, for the address alone says who is logging in.
    constraint users_email_key unique (email),
    constraint users_org_id_fkey foreign key (org_id) references organizations (id),
    constraint users_role_check check (role in ('superadmin', 'admin', 'user', 'viewer')),
    constraint users_superadmin_check check ((role = 'superadmin') = (org_id is null)),
    constraint users_email_check check (char_length(email) between 3 and 254),
    constraint users_name_check check (char_length(name) between 1 and 200),
    constraint users_removed_check check ((removed_at is null) = (email is not null) and (removed_at is null) = (password_hash is not null))
);

create table sessions (
    -- The sid of the token. Deleting the row is what ends the session, on every instance.
    id         uuid        not null,
    user_id    uuid        not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references users (id),
    constraint sessions_expiry_check check (expires_at > created_at)
);

-- Serves: ending all sessions of a member (password change, disabling, removal) and sweeping a member's expired ones at login.
create index sessions_user_id_idx on sessions (user_id);

create table api_keys (
    id              uuid        not null,
    org_id          uuid        not null,
    -- The part of the key that may be shown, logged and looked up.
    public_id       text        not null,
    -- SHA-256 of the whole key. A fast hash is right: the secret has 256 random bits, there is nothing to guess.
    sha256          bytea       not null,
    last_four       text        not null,
    label           text        not null,
    scopes          text[]      not null,
    -- Origins of browsers that may use the key; empty: any caller.
    allowed_origins text[]      not null default '{}',
    created_at      timestamptz not null,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    constraint api_keys_pkey primary key (id),
    -- Serves: every request of a plugin.
    constraint api_keys_public_id_key unique (public_id),
    constraint api_keys_org_id_fkey foreign key (org_id) references organizations (id),
    constraint api_keys_sha256_check check (octet_length(sha256) = 32),
    constraint api_keys_label_check check (char_length(label) between 1 and 100),
    constraint api_keys_scopes_check check (scopes <@ array['ingest', 'import'] and cardinality(scopes) between 1 and 2)
);

-- Serves: an organization's list of keys, newest first, and the count of its live ones.
create index api_keys_org_id_created_at_idx on api_keys (org_id, created_at desc, id desc);
